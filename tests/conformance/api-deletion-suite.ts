import { describe, expect, test } from "@jest/globals";
import { aConfigMap, aPod, withServiceAccount, CONFIG_MAPS, PODS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

export function deletionSuite(name: string, withApi: WithApi): void {
  describe(`${name}: delete`, () => {
    test(
      "a deleted object is gone and answered with a Status that names it",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const deleted = await api.delete(`${CONFIG_MAPS}/a`);
        expect(deleted.status).toBe(200);
        expect(deleted.body).toEqual({
          kind: "Status",
          apiVersion: "v1",
          metadata: {},
          status: "Success",
          details: { name: "a", kind: "configmaps", uid: body.metadata.uid },
        });
        const again = await api.delete(`${CONFIG_MAPS}/a`);
        expect([again.status, again.body.message]).toEqual([404, 'configmaps "a" not found']);
      }),
    );

    test(
      "preconditions keep what is not meant",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const { uid, resourceVersion } = body.metadata;
        const wrongUid = await api.delete(`${CONFIG_MAPS}/a`, { preconditions: { uid: "x" } });
        expect([wrongUid.status, wrongUid.body.message]).toEqual([
          409,
          `Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (x) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
        ]);
        const wrongVersion = await api.delete(`${CONFIG_MAPS}/a`, {
          preconditions: { resourceVersion: "1000000" },
        });
        expect([wrongVersion.status, wrongVersion.body.message]).toEqual([
          409,
          `Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1000000) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
        ]);
        expect((await api.delete(`${CONFIG_MAPS}/a`, { preconditions: { uid } })).status).toBe(200);
      }),
    );

    test(
      "finalizers hold an object until the last one is removed",
      withApi(async (api) => {
        const manifest = { ...aConfigMap("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } };
        await api.post(CONFIG_MAPS, manifest);
        const path = `${CONFIG_MAPS}/a`;
        const marked = await api.delete(path);
        expect(marked.body).toMatchObject({
          kind: "ConfigMap",
          metadata: { deletionGracePeriodSeconds: 0, finalizers: ["example.com/hold"] },
        });
        expect(marked.body.metadata.deletionTimestamp).toBeTruthy();
        const added = await api.patch(path, "merge", {
          metadata: { finalizers: ["example.com/hold", "example.com/more"] },
        });
        expect([added.status, added.body.message]).toEqual([
          422,
          'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}',
        ]);
        const released = await api.patch(path, "merge", { metadata: { finalizers: null } });
        expect(released.status).toBe(200);
        expect((await api.get(path)).status).toBe(404);
      }),
    );

    test(
      "the propagation policy becomes a finalizer",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        const foreground = await api.delete(`${CONFIG_MAPS}/a`, { propagationPolicy: "Foreground" });
        expect(foreground.body.metadata.finalizers).toEqual(["foregroundDeletion"]);
        const orphan = await api.delete(`${CONFIG_MAPS}/b?propagationPolicy=Orphan`);
        expect(orphan.body.metadata.finalizers).toEqual(["orphan"]);
        const wrong = await api.delete(`${CONFIG_MAPS}/a`, { propagationPolicy: "Sideways" });
        expect([wrong.status, wrong.body.reason]).toEqual([422, "Invalid"]);
      }),
    );

    test(
      "a running pod stays for its grace period, which a second delete may only shorten",
      withApi(async (api) => {
        await withServiceAccount(api);
        await api.post(PODS, aPod("a", { nodeName: "node-1" }));
        const path = `${PODS}/a`;
        const first = await api.delete(path);
        expect(first.body.metadata.deletionGracePeriodSeconds).toBe(30);
        const longer = await api.delete(path, { gracePeriodSeconds: 60 });
        expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
        const shorter = await api.delete(path, { gracePeriodSeconds: 5 });
        expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
        const before = Date.parse(first.body.metadata.deletionTimestamp ?? "");
        expect(Date.parse(shorter.body.metadata.deletionTimestamp ?? "")).toBe(before - 25_000);
        expect((await api.delete(path, { gracePeriodSeconds: 0 })).status).toBe(200);
        expect((await api.get(path)).status).toBe(404);
      }),
    );

    test(
      "a grace period that is no number is refused, one beyond all dates is taken",
      withApi(async (api) => {
        await withServiceAccount(api);
        await api.post(PODS, aPod("a", { nodeName: "node-1" }));
        const words = await api.delete(`${PODS}/a?gracePeriodSeconds=abc`);
        expect([words.status, words.body.reason]).toEqual([400, "BadRequest"]);
        expect((await api.delete(`${PODS}/a`, { gracePeriodSeconds: 1e19 })).status).toBe(400);
        expect((await api.get(`${PODS}/a`)).body.metadata.deletionTimestamp).toBeUndefined();
        const ages = await api.delete(`${PODS}/a`, { gracePeriodSeconds: 1e17 });
        expect(ages.body.metadata.deletionTimestamp).toBe("9999-12-31T23:59:59Z");
        const soon = await api.delete(`${PODS}/a`, { gracePeriodSeconds: 5 });
        expect(soon.body.metadata.deletionGracePeriodSeconds).toBe(5);
      }),
    );

    test(
      "preconditions that are null ask nothing",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const preconditions = { uid: null, resourceVersion: null };
        expect((await api.delete(`${CONFIG_MAPS}/a`, { preconditions })).status).toBe(200);
      }),
    );

    test.each([
      { dryRun: "All" },
      { dryRun: [1] },
      { preconditions: "x" },
      { preconditions: { uid: 1 } },
      { orphanDependents: "no" },
      { propagationPolicy: 1 },
      { gracePeriodSeconds: "5" },
    ])("options of a wrong type delete nothing: %j", (options) =>
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const refused = await api.delete(`${CONFIG_MAPS}/a`, options);
        expect([refused.status, refused.body.reason]).toEqual([400, "BadRequest"]);
        expect((await api.get(`${CONFIG_MAPS}/a`)).status).toBe(200);
      })(),
    );

    test(
      "a pod on no node goes at once",
      withApi(async (api) => {
        await withServiceAccount(api);
        await api.post(PODS, aPod("a"));
        expect((await api.delete(`${PODS}/a`)).status).toBe(200);
        expect((await api.get(`${PODS}/a`)).status).toBe(404);
      }),
    );

    test(
      "deletecollection deletes what its selector finds",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", {}, { app: "x" }));
        await api.post(CONFIG_MAPS, aConfigMap("b", {}, { app: "y" }));
        const { body, status } = await api.delete(`${CONFIG_MAPS}?labelSelector=app%3Dx`);
        expect([status, body.kind]).toEqual([200, "ConfigMapList"]);
        const left = await api.get(CONFIG_MAPS);
        expect(left.body.items?.map((item) => item.metadata.name)).toEqual(["b"]);
      }),
    );
  });
}

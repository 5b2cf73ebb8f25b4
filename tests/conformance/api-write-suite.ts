import { describe, expect, test } from "@jest/globals";
import { aConfigMap, aDeployment, CONFIG_MAPS, DEPLOYMENTS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

/** Create and update. */
export function writeSuite(name: string, withApi: WithApi): void {
  describe(`${name}: create and update`, () => {
    test(
      "a created object gets its system metadata and is read back as the same bytes",
      withApi(async (api) => {
        const created = await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "v", __proto__x: "w" } }));
        expect(created.status).toBe(201);
        const { metadata } = created.body;
        expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
        expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(metadata.namespace).toBe("default");
        const read = await api.get(`${CONFIG_MAPS}/a`);
        expect(read.text.trim()).toBe(created.text.trim());
      }),
    );

    test(
      "a key named __proto__ is data like any other",
      withApi(async (api) => {
        const body =
          '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"__proto__":"v"}}';
        expect((await api.post(CONFIG_MAPS, body)).status).toBe(201);
        expect((await api.get(`${CONFIG_MAPS}/a`)).text).toContain('"data":{"__proto__":"v"}');
        const patched = await api.patch(`${CONFIG_MAPS}/a`, "merge", '{"data":{"__proto__":"w"}}');
        expect(patched.text).toContain('"data":{"__proto__":"w"}');
      }),
    );

    test(
      "creating what exists is 409 AlreadyExists",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const again = await api.post(CONFIG_MAPS, aConfigMap("a"));
        expect(again.status).toBe(409);
        expect(again.body).toMatchObject({
          status: "Failure",
          reason: "AlreadyExists",
          message: 'configmaps "a" already exists',
          details: { name: "a", kind: "configmaps" },
          code: 409,
        });
      }),
    );

    test(
      "generateName is completed with five characters",
      withApi(async (api) => {
        const manifest = { ...aConfigMap(""), metadata: { generateName: "job-" } };
        const { body, status } = await api.post(CONFIG_MAPS, manifest);
        expect(status).toBe(201);
        expect(body.metadata.name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      }),
    );

    test(
      "names, namespaces and versions that do not fit are refused",
      withApi(async (api) => {
        const cases: [unknown, number, string][] = [
          [
            { ...aConfigMap("a"), metadata: { name: "a", namespace: "other" } },
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
          ],
          [
            { ...aConfigMap("a"), metadata: { name: "a", resourceVersion: "5" } },
            500,
            "resourceVersion should not be set on objects to be created",
          ],
          [
            aConfigMap(""),
            422,
            'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
          ],
          [
            aConfigMap("A_b"),
            422,
            `ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
          ],
        ];
        for (const [manifest, status, message] of cases) {
          const reply = await api.post(CONFIG_MAPS, manifest);
          expect([reply.status, reply.body.message]).toEqual([status, message]);
        }
      }),
    );

    test(
      "an update with an old resourceVersion is a conflict",
      withApi(async (api) => {
        const first = (await api.post(CONFIG_MAPS, aConfigMap("a"))).body;
        const changed = { ...first, data: { k: "1" } };
        const updated = await api.put(`${CONFIG_MAPS}/a`, changed);
        expect(updated.status).toBe(200);
        expect(Number(updated.body.metadata.resourceVersion)).toBeGreaterThan(
          Number(first.metadata.resourceVersion),
        );
        const late = await api.put(`${CONFIG_MAPS}/a`, { ...first, data: { k: "2" } });
        expect(late.status).toBe(409);
        expect(late.body).toMatchObject({
          reason: "Conflict",
          message:
            'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
        });
      }),
    );

    test(
      "an update for another uid is a conflict",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const other = { ...body, metadata: { ...body.metadata, uid: "other", resourceVersion: "" } };
        const reply = await api.put(`${CONFIG_MAPS}/a`, other);
        expect(reply.status).toBe(409);
        expect(reply.body.message).toContain(
          `Precondition failed: UID in precondition: other, UID in object meta: ${body.metadata.uid}`,
        );
      }),
    );

    test(
      "the name in the body must be the one in the URL",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const other = await api.put(`${CONFIG_MAPS}/a`, aConfigMap("b"));
        expect([other.status, other.body.message]).toEqual([
          400,
          "the name of the object (b) does not match the name on the URL (a)",
        ]);
        const elsewhere = await api.put(`${CONFIG_MAPS}/a`, {
          ...aConfigMap("a"),
          metadata: { name: "a", namespace: "other" },
        });
        expect(elsewhere.status).toBe(400);
      }),
    );

    test(
      "an update that changes nothing makes no revision",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "v" } }));
        const same = await api.put(`${CONFIG_MAPS}/a`, body);
        expect(same.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
        const unconditional = await api.put(`${CONFIG_MAPS}/a`, aConfigMap("a", { data: { k: "v" } }));
        expect(unconditional.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
      }),
    );

    test(
      "generation counts changes of the spec, not of metadata or status",
      withApi(async (api) => {
        const { body } = await api.post(DEPLOYMENTS, aDeployment("web", 1));
        expect(body.metadata.generation).toBe(1);
        const path = `${DEPLOYMENTS}/web`;
        const labelled = await api.patch(path, "merge", { metadata: { labels: { a: "b" } } });
        expect(labelled.body.metadata.generation).toBe(1);
        const status = await api.patch(`${path}/status`, "merge", {
          spec: { replicas: 7 },
          status: { replicas: 1, updatedReplicas: 1 },
        });
        expect(status.body).toMatchObject({
          metadata: { generation: 1 },
          spec: { replicas: 1 },
          status: { replicas: 1 },
        });
        const scaled = await api.patch(path, "merge", { spec: { replicas: 2 }, status: { replicas: 9 } });
        expect(scaled.body).toMatchObject({
          metadata: { generation: 2 },
          spec: { replicas: 2 },
          status: { replicas: 1 },
        });
      }),
    );

    test(
      "a scale is read and written as its own kind",
      withApi(async (api) => {
        await api.post(DEPLOYMENTS, aDeployment("web", 1));
        const path = `${DEPLOYMENTS}/web/scale`;
        const scale = await api.get(path);
        expect(scale.body).toMatchObject({
          kind: "Scale",
          apiVersion: "autoscaling/v1",
          spec: { replicas: 1 },
        });
        const put = await api.put(path, { ...scale.body, spec: { replicas: 4 } });
        expect([put.status, put.body.spec]).toEqual([200, { replicas: 4 }]);
        const stale = await api.put(path, { ...scale.body, spec: { replicas: 5 } });
        expect([stale.status, stale.body.reason]).toEqual([409, "Conflict"]);
        const patched = await api.patch(path, "merge", { spec: { replicas: 6 } });
        expect(patched.body.spec).toEqual({ replicas: 6 });
        expect((await api.get(`${DEPLOYMENTS}/web`)).body.spec?.["replicas"]).toBe(6);
      }),
    );

    test(
      "a dry run answers like a write and stores nothing",
      withApi(async (api) => {
        const created = await api.post(`${CONFIG_MAPS}?dryRun=All`, aConfigMap("a"));
        expect(created.status).toBe(201);
        expect(created.body.metadata.uid).toBeTruthy();
        expect((await api.get(`${CONFIG_MAPS}/a`)).status).toBe(404);
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const updated = await api.put(`${CONFIG_MAPS}/a?dryRun=All`, { ...body, data: { k: "v" } });
        expect([updated.status, updated.body.data]).toEqual([200, { k: "v" }]);
        expect((await api.delete(`${CONFIG_MAPS}/a?dryRun=All`)).status).toBe(200);
        expect((await api.get(`${CONFIG_MAPS}/a`)).body).toEqual(body);
        const wrong = await api.post(`${CONFIG_MAPS}?dryRun=Some`, aConfigMap("b"));
        expect([wrong.status, wrong.body.message]).toEqual([
          422,
          'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
        ]);
      }),
    );
  });
}

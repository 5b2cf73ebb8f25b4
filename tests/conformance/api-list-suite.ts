import { describe, expect, test } from "@jest/globals";
import type { ApiClient, Reply } from "./api-client.js";
import { aConfigMap, aPod, withServiceAccount, CONFIG_MAPS, PODS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

const names = ({ body }: Reply): (string | undefined)[] =>
  (body.items ?? []).map((item) => item.metadata.name);

async function createAll(api: ApiClient, ...all: string[]): Promise<void> {
  for (const name of all) await api.post(CONFIG_MAPS, aConfigMap(name));
}

export function listSuite(name: string, withApi: WithApi): void {
  describe(`${name}: list`, () => {
    test(
      "a list is in key order and has the revision it was read at",
      withApi(async (api) => {
        await createAll(api, "b", "a", "c");
        const reply = await api.get(CONFIG_MAPS);
        expect([reply.body.kind, reply.body.apiVersion]).toEqual(["ConfigMapList", "v1"]);
        expect(names(reply)).toEqual(["a", "b", "c"]);
        expect(reply.body.metadata.resourceVersion).toBe(
          (await api.get(`${CONFIG_MAPS}/c`)).body.metadata.resourceVersion,
        );
        expect(names(await api.get("/api/v1/configmaps"))).toEqual(expect.arrayContaining(["a", "b", "c"]));
      }),
    );

    test(
      "pages come from one revision",
      withApi(async (api) => {
        await createAll(api, "a", "b", "c", "d");
        const first = await api.get(`${CONFIG_MAPS}?limit=2`);
        expect(names(first)).toEqual(["a", "b"]);
        expect(first.body.metadata.remainingItemCount).toBe(2);
        await api.delete(`${CONFIG_MAPS}/c`);
        await createAll(api, "e");
        const token = encodeURIComponent(first.body.metadata.continue ?? "");
        const second = await api.get(`${CONFIG_MAPS}?limit=5&continue=${token}`);
        expect(names(second)).toEqual(["c", "d"]);
        expect(second.body.metadata.continue).toBeUndefined();
        expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
        const wrong = await api.get(`${CONFIG_MAPS}?continue=nonsense`);
        expect([wrong.status, wrong.body.reason]).toEqual([400, "BadRequest"]);
      }),
    );

    test(
      "a list can be read as of an older revision",
      withApi(async (api) => {
        await createAll(api, "a");
        const version = (await api.get(CONFIG_MAPS)).body.metadata.resourceVersion;
        await createAll(api, "b");
        const old = await api.get(`${CONFIG_MAPS}?resourceVersion=${version}&resourceVersionMatch=Exact`);
        expect([names(old), old.body.metadata.resourceVersion]).toEqual([["a"], version]);
        const fresh = `${CONFIG_MAPS}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
        expect(names(await api.get(fresh))).toEqual(["a", "b"]);
      }),
    );

    test(
      "resourceVersion parameters that make no sense are refused",
      withApi(async (api) => {
        const cases: [string, number, string][] = [
          [
            "resourceVersionMatch=Exact",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
          ],
          [
            "resourceVersion=0&resourceVersionMatch=Exact",
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
          ],
        ];
        for (const [query, status, message] of cases) {
          const reply = await api.get(`${CONFIG_MAPS}?${query}`);
          expect([reply.status, reply.body.message]).toEqual([status, message]);
        }
        const future = await api.get(`${CONFIG_MAPS}?resourceVersion=1000000`);
        expect(future.status).toBe(504);
        expect(future.body).toMatchObject({
          reason: "Timeout",
          details: { causes: [{ reason: "ResourceVersionTooLarge" }] },
        });
        expect(future.body.message).toMatch(/^Timeout: Too large resource version: 1000000, current: \d+$/);
      }),
    );

    test(
      "label selectors choose, and bad ones are explained",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", {}, { app: "x", tier: "front" }));
        await api.post(CONFIG_MAPS, aConfigMap("b", {}, { app: "y" }));
        await api.post(CONFIG_MAPS, aConfigMap("c"));
        const cases: [string, string[]][] = [
          ["app=x", ["a"]],
          ["app!=x", ["b", "c"]],
          ["app", ["a", "b"]],
          ["!app", ["c"]],
          ["app in (x,y),tier", ["a"]],
          ["app notin (x)", ["b", "c"]],
        ];
        for (const [selector, expected] of cases)
          expect(
            names(await api.get(`${CONFIG_MAPS}?labelSelector=${encodeURIComponent(selector)}`)),
          ).toEqual(expected);
        const limited = await api.get(`${CONFIG_MAPS}?labelSelector=app&limit=1`);
        expect([names(limited), limited.body.metadata.remainingItemCount]).toEqual([["a"], undefined]);
        const token = encodeURIComponent(limited.body.metadata.continue ?? "");
        expect(names(await api.get(`${CONFIG_MAPS}?labelSelector=app&limit=1&continue=${token}`))).toEqual([
          "b",
        ]);
        const wrong = await api.get(`${CONFIG_MAPS}?labelSelector=${encodeURIComponent("a==b==c")}`);
        expect([wrong.status, wrong.body.message]).toEqual([
          400,
          "found '==', expected: ',' or 'end of string'",
        ]);
      }),
    );

    test(
      "field selectors choose by what the kind offers",
      withApi(async (api) => {
        await withServiceAccount(api);
        await api.post(PODS, aPod("a", { nodeName: "node-1" }));
        await api.post(PODS, aPod("b", { nodeName: "node-2" }));
        expect(names(await api.get(`${PODS}?fieldSelector=spec.nodeName%3Dnode-1`))).toEqual(["a"]);
        expect(names(await api.get(`${PODS}?fieldSelector=metadata.name%3Db`))).toEqual(["b"]);
        expect(names(await api.get(`${PODS}?fieldSelector=metadata.name!%3Db`))).toEqual(["a"]);
        const wrong = await api.get(`${PODS}?fieldSelector=spec.colour%3Dred`);
        expect([wrong.status, wrong.body.message]).toEqual([400, "field label not supported: spec.colour"]);
      }),
    );
  });
}

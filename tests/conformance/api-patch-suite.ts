import { describe, expect, test } from "@jest/globals";
import { aConfigMap, aDeployment, CONFIG_MAPS, DEPLOYMENTS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

export function patchSuite(name: string, withApi: WithApi): void {
  describe(`${name}: patch`, () => {
    test(
      "a merge patch merges maps and removes with null",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", { data: { keep: "1", drop: "2" } }));
        const { body } = await api.patch(`${CONFIG_MAPS}/a`, "merge", { data: { drop: null, add: "3" } });
        expect(body.data).toEqual({ keep: "1", add: "3" });
      }),
    );

    test(
      "a JSON patch applies in order and fails as a whole",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "1" } }));
        const path = `${CONFIG_MAPS}/a`;
        const done = await api.patch(path, "json", [
          { op: "test", path: "/data/k", value: "1" },
          { op: "replace", path: "/data/k", value: "2" },
          { op: "add", path: "/data/l", value: "3" },
        ]);
        expect([done.status, done.body.data]).toEqual([200, { k: "2", l: "3" }]);
        const failed = await api.patch(path, "json", [
          { op: "remove", path: "/data/l" },
          { op: "test", path: "/data/k", value: "1" },
        ]);
        expect([failed.status, failed.body.reason, failed.body.message]).toEqual([
          422,
          "Invalid",
          "the server rejected our request due to an error in our request",
        ]);
        expect((await api.get(path)).body.data).toEqual({ k: "2", l: "3" });
      }),
    );

    test(
      "a strategic merge patch merges containers by name",
      withApi(async (api) => {
        await api.post(DEPLOYMENTS, aDeployment("web"));
        const patch = {
          spec: {
            template: {
              spec: {
                containers: [
                  { name: "main", image: "nginx:1.27" },
                  { name: "side", image: "busybox" },
                ],
              },
            },
          },
        };
        const { body, status } = await api.patch(`${DEPLOYMENTS}/web`, "strategic-merge", patch);
        expect(status).toBe(200);
        const template = body.spec?.["template"] as {
          spec: { containers: { name: string; image: string }[] };
        };
        const images = Object.fromEntries(template.spec.containers.map((one) => [one.name, one.image]));
        expect(images).toEqual({ main: "nginx:1.27", side: "busybox" });
      }),
    );

    test(
      "a patch that names a resourceVersion is refused when another write came first",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const version = body.metadata.resourceVersion;
        const path = `${CONFIG_MAPS}/a`;
        await api.patch(path, "merge", { data: { k: "1" } });
        const late = await api.patch(path, "merge", {
          metadata: { resourceVersion: version },
          data: { k: "2" },
        });
        expect([late.status, late.body.reason]).toEqual([409, "Conflict"]);
      }),
    );

    test(
      "patches without a resourceVersion that race all succeed",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
        const replies = await Promise.all(
          keys.map((key) => api.patch(`${CONFIG_MAPS}/a`, "merge", { data: { [key]: "v" } })),
        );
        expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
        expect(Object.keys((await api.get(`${CONFIG_MAPS}/a`)).body.data ?? {}).sort()).toEqual(keys.sort());
      }),
    );

    test(
      "a patch cannot rename, and one of nothing is not found",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const renamed = await api.patch(`${CONFIG_MAPS}/a`, "merge", { metadata: { name: "b" } });
        expect([renamed.status, renamed.body.message]).toEqual([
          400,
          "the name of the object (b) does not match the name on the URL (a)",
        ]);
        const missing = await api.patch(`${CONFIG_MAPS}/none`, "merge", {});
        expect([missing.status, missing.body.message]).toEqual([404, 'configmaps "none" not found']);
      }),
    );

    test(
      "other patch types are 415",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const reply = await api.send("PATCH", `${CONFIG_MAPS}/a`, "{}", {
          "content-type": "application/json",
        });
        expect([reply.status, reply.body.reason]).toEqual([415, "UnsupportedMediaType"]);
      }),
    );
  });
}

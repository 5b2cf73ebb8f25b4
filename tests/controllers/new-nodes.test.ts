import { expect, test } from "@jest/globals";
import { deployments } from "../../machinery/api/apps-v1.js";
import { pods } from "../../machinery/api/core-v1.js";
import { withControlPlane } from "../testkit/control-plane.js";

test("pods that waited for nodes are spread over all that get ready together", async () => {
  await withControlPlane(
    async ({ client, kubelet, settle, eventually }) => {
      await settle(
        client.create(deployments, {
          metadata: { name: "web", namespace: "default" },
          spec: {
            replicas: 3,
            selector: { matchLabels: { app: "web" } },
            template: {
              metadata: { labels: { app: "web" } },
              spec: { containers: [{ name: "web", image: "nginx:1" }] },
            },
          },
        }),
      );
      const reasons = async (): Promise<(string | undefined)[]> =>
        (await client.list(pods, { namespace: "default" })).items.map(
          ({ status }) => status.conditions?.find(({ type }) => type === "PodScheduled")?.reason,
        );
      await eventually(
        async () => (await reasons()).filter((reason) => reason === "Unschedulable").length === 3,
        "three pods that no node takes",
      );
      const names = ["node-1", "node-2", "node-3"];
      await settle(Promise.all(names.map((name) => kubelet.register(name))));
      const placed = async (): Promise<string[]> =>
        (await client.list(pods, { namespace: "default" })).items.flatMap(({ spec }) => spec.nodeName ?? []);
      await eventually(async () => (await placed()).length === 3, "three pods with a node");
      expect((await settle(placed())).sort()).toEqual(names);
    },
    { nodes: 0 },
  );
});

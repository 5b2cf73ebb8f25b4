import { expect, test } from "@jest/globals";
import type { Pod } from "../../machinery/api/core-v1.js";
import { BURST, cheapestFirst, planScale } from "./plan.js";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
interface Traits {
  node?: string;
  phase?: Pod["status"]["phase"];
  readySince?: string;
  cost?: string;
  restarts?: number;
  created?: string;
}
const aPod = (name: string, traits: Traits = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "default",
    uid: `uid-${name}`,
    resourceVersion: "1",
    creationTimestamp: traits.created ?? "2026-03-01T10:00:00Z",
    ...(traits.cost ? { annotations: { "controller.kubernetes.io/pod-deletion-cost": traits.cost } } : {}),
  },
  spec: {
    containers: [],
    restartPolicy: "Always",
    ...(traits.node === "" ? {} : { nodeName: traits.node ?? "node-1" }),
  },
  status: {
    phase: traits.phase ?? "Running",
    conditions:
      traits.readySince === undefined
        ? []
        : [{ type: "Ready", status: "True", lastTransitionTime: traits.readySince }],
    containerStatuses: [
      {
        name: "c",
        state: {},
        lastState: {},
        ready: true,
        restartCount: traits.restarts ?? 0,
        image: "",
        imageID: "",
      },
    ],
  },
});
const order = (pods: readonly Pod[]): string[] =>
  cheapestFirst(pods, pods, NOW_MS).map(({ metadata }) => metadata.name);

const READY = "2026-03-01T11:00:00Z";

test.each<[string, Traits, Traits]>([
  ["not scheduled before scheduled", { node: "" }, {}],
  ["pending before running", { phase: "Pending" }, { phase: "Running" }],
  ["not ready before ready", {}, { readySince: READY }],
  ["lower deletion cost before higher", { readySince: READY, cost: "-5" }, { readySince: READY, cost: "10" }],
  ["lately ready before long ready", { readySince: "2026-03-01T11:59:59Z" }, { readySince: READY }],
  ["more restarts before fewer", { readySince: READY, restarts: 3 }, { readySince: READY }],
  [
    "younger before older",
    { readySince: READY, created: "2026-03-01T10:59:59Z" },
    { readySince: READY, created: "2026-02-01T00:00:00Z" },
  ],
])("a ReplicaSet deletes pods %s", (_rule, first, second) => {
  expect(order([aPod("z-second", second), aPod("a-first", first)])).toEqual(["a-first", "z-second"]);
});

test("a ReplicaSet deletes from the node that has most of its pods", () => {
  const pods = [
    aPod("alone", { node: "node-1", readySince: READY }),
    aPod("crowded-1", { node: "node-2", readySince: READY }),
    aPod("crowded-2", { node: "node-2", readySince: READY }),
  ];
  expect(order(pods)[2]).toBe("alone");
});

test("one pass creates or deletes five hundred pods at most", () => {
  expect(planScale(2000, [], [], NOW_MS)).toEqual({ create: BURST, remove: [] });
  const many = Array.from({ length: 800 }, (_, i) => aPod(`pod-${i}`));
  expect(planScale(100, many, many, NOW_MS).remove).toHaveLength(BURST);
  expect(planScale(0, many.slice(0, 3), [], NOW_MS).remove).toHaveLength(3);
});

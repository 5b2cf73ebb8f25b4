import { expect, test } from "@jest/globals";
import type { Pod, Toleration } from "../../machinery/api/core-v1.js";
import { evictionTimeMs } from "./plan.js";

const ADDED_MS = Date.parse("2026-03-01T00:00:00Z");
const NOW_MS = ADDED_MS + 10_000;
const unreachable = {
  key: "node.kubernetes.io/unreachable",
  effect: "NoExecute" as const,
  timeAdded: "2026-03-01T00:00:00Z",
};
const aPod = (...tolerations: Toleration[]): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", uid: "u", resourceVersion: "1", creationTimestamp: "" },
  spec: { containers: [], restartPolicy: "Always", nodeName: "node-1", tolerations },
  status: { phase: "Running" },
});
const tolerate = (tolerationSeconds?: number): Toleration => ({
  key: unreachable.key,
  operator: "Exists",
  effect: "NoExecute",
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

test("a pod that does not tolerate the taint leaves at once", () => {
  expect(evictionTimeMs(aPod(), [unreachable], NOW_MS)).toBe(NOW_MS);
});

test("a pod leaves when the shortest of its tolerations runs out, counted from when the taint was added", () => {
  expect(evictionTimeMs(aPod(tolerate(300)), [unreachable], NOW_MS)).toBe(ADDED_MS + 300_000);
  expect(evictionTimeMs(aPod(tolerate(300), tolerate(60)), [unreachable], NOW_MS)).toBe(ADDED_MS + 60_000);
});

test("a pod that tolerates the taint for ever stays, and other effects do not concern it", () => {
  expect(evictionTimeMs(aPod(tolerate()), [unreachable], NOW_MS)).toBeUndefined();
  expect(evictionTimeMs(aPod(), [{ ...unreachable, effect: "NoSchedule" }], NOW_MS)).toBeUndefined();
});

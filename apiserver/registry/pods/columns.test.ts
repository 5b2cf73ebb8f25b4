import { expect, test } from "@jest/globals";
import type { ContainerState, ContainerStatus, Pod } from "../../../machinery/api/core-v1.js";
import { podRow } from "./columns.js";

const NOW_MS = Date.parse("2026-01-01T00:10:00Z");
const at = (seconds: number): string => new Date(NOW_MS - seconds * 1000).toISOString();

const status = (state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: "web",
  state,
  lastState: {},
  ready: false,
  restartCount: 0,
  image: "nginx",
  imageID: "",
  ...more,
});
const running = (more: Partial<ContainerStatus> = {}) =>
  status({ running: { startedAt: at(60) } }, { ready: true, started: true, ...more });
const waiting = (reason: string) => status({ waiting: { reason } });
const ended = (exitCode: number, reason?: string, signal?: number) =>
  status({ terminated: { exitCode, ...(reason ? { reason } : {}), ...(signal ? { signal } : {}) } });

const pod = (
  podStatus: Partial<Pod["status"]>,
  spec: Partial<Pod["spec"]> = {},
  metadata: object = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: at(125),
    ...metadata,
  },
  spec: { containers: [{ name: "web", image: "nginx" }], restartPolicy: "Always", ...spec },
  status: { phase: "Pending", ...podStatus },
});
const init = {
  initContainers: [
    { name: "a", image: "x" },
    { name: "b", image: "x" },
  ],
};
const sidecar = { initContainers: [{ name: "side", image: "x", restartPolicy: "Always" as const }] };
const initialized = [{ type: "Initialized", status: "True" as const }];
const ready = [{ type: "Ready", status: "True" as const }];

test.each<[string, Pod, string, string, string]>([
  ["waits for a node", pod({}), "0/1", "Pending", "0"],
  [
    "is being made",
    pod({ containerStatuses: [waiting("ContainerCreating")] }),
    "0/1",
    "ContainerCreating",
    "0",
  ],
  ["runs", pod({ phase: "Running", containerStatuses: [running()] }), "1/1", "Running", "0"],
  [
    "runs unready",
    pod({ phase: "Running", containerStatuses: [running({ ready: false })] }),
    "0/1",
    "Running",
    "0",
  ],
  [
    "crashes again and again",
    pod({
      phase: "Running",
      containerStatuses: [
        status(
          { waiting: { reason: "CrashLoopBackOff" } },
          { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: at(5) } } },
        ),
      ],
    }),
    "0/1",
    "CrashLoopBackOff",
    "3 (5s ago)",
  ],
  ["has no image", pod({ containerStatuses: [waiting("ImagePullBackOff")] }), "0/1", "ImagePullBackOff", "0"],
  [
    "is done",
    pod({ phase: "Succeeded", containerStatuses: [ended(0, "Completed")] }),
    "0/1",
    "Completed",
    "0",
  ],
  ["failed", pod({ phase: "Failed", containerStatuses: [ended(1, "Error")] }), "0/1", "Error", "0"],
  [
    "failed without a reason",
    pod({ phase: "Failed", containerStatuses: [ended(7)] }),
    "0/1",
    "ExitCode:7",
    "0",
  ],
  [
    "was killed",
    pod({ phase: "Failed", containerStatuses: [ended(137, undefined, 9)] }),
    "0/1",
    "Signal:9",
    "0",
  ],
  ["was evicted", pod({ phase: "Failed", reason: "Evicted" }), "0/1", "Evicted", "0"],
  [
    "runs one container of two",
    pod(
      { phase: "Running", conditions: ready, containerStatuses: [ended(0, "Completed"), running()] },
      {
        containers: [
          { name: "a", image: "x" },
          { name: "web", image: "x" },
        ],
      },
    ),
    "1/2",
    "Running",
    "0",
  ],
  [
    "initializes",
    pod({ initContainerStatuses: [ended(0, "Completed"), status({ running: {} })] }, init),
    "0/1",
    "Init:1/2",
    "0",
  ],
  [
    "cannot initialize",
    pod({ initContainerStatuses: [ended(1, "Error"), waiting("PodInitializing")] }, init),
    "0/1",
    "Init:Error",
    "0",
  ],
  [
    "cannot initialize and tries again",
    pod({ initContainerStatuses: [waiting("CrashLoopBackOff"), waiting("PodInitializing")] }, init),
    "0/1",
    "Init:CrashLoopBackOff",
    "0",
  ],
  [
    "has a sidecar",
    pod(
      {
        phase: "Running",
        conditions: initialized,
        initContainerStatuses: [running({ name: "side" })],
        containerStatuses: [running()],
      },
      sidecar,
    ),
    "2/2",
    "Running",
    "0",
  ],
  [
    "waits behind a gate",
    pod({ conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }),
    "0/1",
    "SchedulingGated",
    "0",
  ],
  [
    "is being deleted",
    pod({ phase: "Running", containerStatuses: [running()] }, {}, { deletionTimestamp: at(1) }),
    "1/1",
    "Terminating",
    "0",
  ],
  [
    "is being deleted from a lost node",
    pod({ phase: "Running", reason: "NodeLost" }, {}, { deletionTimestamp: at(1) }),
    "0/1",
    "Unknown",
    "0",
  ],
])("a Pod that %s is shown so", (_title, object, readyText, reason, restarts) => {
  expect(podRow(object, NOW_MS).slice(1, 4)).toEqual([readyText, reason, restarts]);
});

test("the wide columns show address, node and readiness gates", () => {
  const object = pod(
    {
      podIPs: [{ ip: "10.244.0.7" }],
      conditions: [{ type: "example.com/lb", status: "True" }],
    },
    {
      nodeName: "node-1",
      readinessGates: [{ conditionType: "example.com/lb" }, { conditionType: "example.com/dns" }],
    },
  );
  expect(podRow(object, NOW_MS).slice(4)).toEqual(["2m5s", "10.244.0.7", "node-1", "<none>", "1/2"]);
  expect(podRow(pod({}), NOW_MS).slice(5)).toEqual(["<none>", "<none>", "<none>", "<none>"]);
});

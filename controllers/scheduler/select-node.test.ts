import { expect, test } from "@jest/globals";
import type { Node, Pod, PodSpec, Taint } from "../../machinery/api/core-v1.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { ClusterState } from "./cluster-state.js";
import { feasibleNodesToFind, selectNode } from "./select-node.js";

interface NodeTraits {
  cpu?: string;
  pods?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  unschedulable?: boolean;
}
const aNode = (
  name: string,
  { cpu = "4", pods = "110", labels = {}, taints, unschedulable }: NodeTraits = {},
): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name,
    uid: name,
    resourceVersion: "1",
    creationTimestamp: "",
    labels: { "kubernetes.io/hostname": name, ...labels },
  },
  spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
  status: { allocatable: { cpu, memory: "8Gi", pods } },
});
const aPod = (
  name: string,
  spec: Partial<PodSpec> = {},
  labels: Record<string, string> = {},
  owner?: string,
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "default",
    uid: name,
    resourceVersion: "1",
    creationTimestamp: "",
    labels,
    ...(owner
      ? {
          ownerReferences: [
            { apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true },
          ],
        }
      : {}),
  },
  spec: { containers: [{ name: "c", image: "nginx" }], restartPolicy: "Always", ...spec },
  status: { phase: "Pending" },
});
const requesting = (cpu: string): Partial<PodSpec> => ({
  containers: [{ name: "c", image: "nginx", resources: { requests: { cpu } } }],
});

function aCluster(...nodes: Node[]) {
  const state = new ClusterState();
  for (const node of nodes) state.setNode(node);
  const context = { state, namespaceLabels: () => undefined };
  const rng = seededRng(1);
  const cursor = { next: 0 };
  return {
    state,
    place: (pod: Pod, node: string) => state.setPod({ ...pod, spec: { ...pod.spec, nodeName: node } }, node),
    select: (pod: Pod) => {
      const selection = selectNode(pod, context, cursor, rng);
      return selection.kind === "fits" ? selection.nodeName : selection.message;
    },
  };
}
const head = (message: string): string => message.split(". no new claims")[0] ?? "";

test("without nodes there is nothing to schedule to", () => {
  expect(aCluster().select(aPod("web"))).toBe("no nodes available to schedule pods");
});

test("the message counts the nodes by the first reason of each, in alphabetical order", () => {
  const cluster = aCluster(
    aNode("full", { cpu: "1" }),
    aNode("cordoned", { unschedulable: true }),
    aNode("tainted", { taints: [{ key: "gpu", effect: "NoSchedule" }] }),
    aNode("tainted-too", { taints: [{ key: "db", effect: "NoExecute" }] }),
  );
  cluster.place(aPod("first", requesting("800m")), "full");
  expect(cluster.select(aPod("web", requesting("500m")))).toBe(
    "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.",
  );
});

test("a node takes no more pods than it allows", () => {
  const cluster = aCluster(aNode("small", { pods: "1" }));
  cluster.place(aPod("first"), "small");
  expect(head(cluster.select(aPod("second")))).toBe("0/1 nodes are available: 1 Too many pods");
});

test("node selectors, affinity and tolerations decide where a pod may go", () => {
  const taints: Taint[] = [{ key: "gpu", value: "yes", effect: "NoSchedule" }];
  const cluster = aCluster(
    aNode("a"),
    aNode("b", { labels: { disk: "ssd" } }),
    aNode("c", { taints, labels: { gpu: "yes" } }),
  );
  expect(cluster.select(aPod("web", { nodeSelector: { disk: "ssd" } }))).toBe("b");
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "gpu", operator: "Exists" as const }] }],
      },
    },
  };
  expect(head(cluster.select(aPod("web", { affinity })))).toBe(
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector",
  );
  const tolerations = [{ key: "gpu", operator: "Exists" as const }];
  expect(cluster.select(aPod("web", { affinity, tolerations }))).toBe("c");
});

test("two pods cannot have one host port of a node", () => {
  const cluster = aCluster(aNode("a"));
  const spec = {
    containers: [
      { name: "c", image: "nginx", ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP" as const }] },
    ],
  };
  cluster.place(aPod("first", spec), "a");
  expect(head(cluster.select(aPod("second", spec)))).toBe(
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports",
  );
});

const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "kubernetes.io/hostname" },
      ],
    },
  },
};

test("anti-affinity keeps a pod away from others, and others away from it", () => {
  const cluster = aCluster(aNode("a"), aNode("b"));
  cluster.place(aPod("db-1", apart, { app: "db" }), "a");
  expect(cluster.select(aPod("db-2", apart, { app: "db" }))).toBe("b");
  cluster.place(aPod("db-2", apart, { app: "db" }), "b");
  expect(head(cluster.select(aPod("db-3", apart, { app: "db" })))).toBe(
    "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules",
  );
  expect(head(cluster.select(aPod("plain", {}, { app: "db" })))).toBe(
    "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules",
  );
});

test("affinity brings a pod near others; the first of a group may go anywhere", () => {
  const near = {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: "web" } }, topologyKey: "zone" },
        ],
      },
    },
  };
  const cluster = aCluster(aNode("a", { labels: { zone: "1" } }), aNode("b", { labels: { zone: "2" } }));
  expect(["a", "b"]).toContain(cluster.select(aPod("web-1", near, { app: "web" })));
  expect(head(cluster.select(aPod("other", near)))).toBe(
    "0/2 nodes are available: 2 node(s) didn't match pod affinity rules",
  );
  cluster.place(aPod("web-1", {}, { app: "web" }), "b");
  expect(cluster.select(aPod("other", near))).toBe("b");
});

test("a topology spread constraint bounds the skew between zones", () => {
  const spread = {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule" as const,
        labelSelector: { matchLabels: { app: "web" } },
      },
    ],
  };
  const cluster = aCluster(
    aNode("a", { labels: { zone: "1" } }),
    aNode("b", { labels: { zone: "2" } }),
    aNode("c"),
  );
  cluster.place(aPod("web-1", {}, { app: "web" }), "a");
  expect(cluster.select(aPod("web-2", spread, { app: "web" }))).toBe("b");
});

test("replicas of one owner spread over the nodes", () => {
  const cluster = aCluster(aNode("a"), aNode("b"), aNode("c"));
  const used = ["1", "2", "3", "4", "5", "6"].map((i) => {
    const pod = aPod(`web-${i}`, {}, { app: "web" }, "web");
    const node = cluster.select(pod);
    cluster.place(pod, node);
    return node;
  });
  expect(used.sort()).toEqual(["a", "a", "b", "b", "c", "c"]);
});

test("small clusters are searched whole, large ones in part", () => {
  expect([3, 99, 100, 1000, 5000, 10_000].map(feasibleNodesToFind)).toEqual([3, 99, 100, 420, 500, 500]);
});

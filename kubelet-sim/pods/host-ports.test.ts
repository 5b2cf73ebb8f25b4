import { expect, test } from "@jest/globals";
import type { ContainerPort, Pod } from "../../machinery/api/core-v1.js";
import { admitPod } from "./admission.js";
import { hostPortMappings } from "./host-ports.js";

const port = (hostPort: number, more: Partial<ContainerPort> = {}): ContainerPort => ({
  containerPort: 80,
  hostPort,
  protocol: "TCP",
  ...more,
});
const aPod = (ports: ContainerPort[], spec: Partial<Pod["spec"]> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" },
  spec: { restartPolicy: "Always", containers: [{ name: "c", image: "nginx", ports }], ...spec },
  status: { phase: "Pending" },
});
const IPS = ["10.244.0.5", "fd00:10:244::5"];

test("each host port of containers and sidecars leads to the pod's addresses", () => {
  const sidecar = { name: "s", image: "nginx", ports: [port(9090, { hostIP: "127.0.0.1" })] };
  const once = { name: "i", image: "nginx", ports: [port(7070)] };
  const pod = aPod([port(8080), { containerPort: 81, protocol: "TCP" }], {
    initContainers: [{ ...sidecar, restartPolicy: "Always" }, once],
  });
  expect(hostPortMappings(pod, IPS)).toEqual([
    { pod: "default/web", protocol: "TCP", hostIP: "", hostPort: 8080, podIPs: IPS, podPort: 80 },
    { pod: "default/web", protocol: "TCP", hostIP: "127.0.0.1", hostPort: 9090, podIPs: IPS, podPort: 80 },
  ]);
});

test("a pod in the node's network needs no mapping", () => {
  expect(hostPortMappings(aPod([port(80)], { hostNetwork: true }), ["172.18.0.3"])).toEqual([]);
});

test.each([
  [port(8080), port(8080), true],
  [port(8080), port(8080, { protocol: "UDP" }), false],
  [port(8080, { hostIP: "127.0.0.1" }), port(8080, { hostIP: "127.0.0.2" }), false],
  [port(8080, { hostIP: "127.0.0.1" }), port(8080), true],
  [port(8080, { hostIP: "0.0.0.0" }), port(8080, { hostIP: "127.0.0.1" }), true],
])("a kubelet that has a pod with %j takes one with %j: clash %s", (taken, wanted, clash) => {
  const rejection = admitPod({ pod: aPod([wanted]), others: [aPod([taken])], allocatable: {} });
  expect(rejection?.reason).toBe(clash ? "NodePorts" : undefined);
});

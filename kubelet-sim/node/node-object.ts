import { toTime } from "../../machinery/api/clock.js";
import type { Node, NodeCondition } from "../../machinery/api/core-v1.js";
import type { PulledImage } from "../container-runtime.js";
import { type KubeletConfig, type NodeConfig, nodeIPs } from "./node-config.js";

export const CARRIER_ANNOTATION = "kubesim.dev/carrier";
const DEFAULT_CAPACITY = {
  cpu: "4",
  "ephemeral-storage": "100Gi",
  "hugepages-1Gi": "0",
  "hugepages-2Mi": "0",
  memory: "8Gi",
  pods: "110",
};
const MOST_IMAGES = 50;

export const capacityOf = (node: NodeConfig): Record<string, string> => ({
  ...DEFAULT_CAPACITY,
  ...node.capacity,
});

export function nodeLabels(node: NodeConfig): Record<string, string> {
  return {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": node.name,
    "kubernetes.io/os": "linux",
    ...(node.zone ? { "topology.kubernetes.io/zone": node.zone } : {}),
    ...(node.region ? { "topology.kubernetes.io/region": node.region } : {}),
    ...node.labels,
  };
}

export const nodeAnnotations = (config: KubeletConfig): Record<string, string> => ({
  ...(config.carrier ? { [CARRIER_ANNOTATION]: config.carrier } : {}),
  "volumes.kubernetes.io/controller-managed-attach-detach": "true",
});

export interface NodeStatusInputs {
  node: NodeConfig;
  config: KubeletConfig;
  nowMs: number;
  /** The pod network is there: the node has its pod range. */
  networkReady: boolean;
  images: readonly PulledImage[];
  previous: readonly NodeCondition[];
  /** Differs after a restart, as a boot id does. */
  bootId: string;
  machineId: string;
}

/** The whole status that the kubelet reports. */
export function nodeStatus(inputs: NodeStatusInputs): Node["status"] {
  const { node, config } = inputs;
  const capacity = capacityOf(node);
  return {
    addresses: [
      ...nodeIPs(node).map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: node.name },
    ],
    allocatable: capacity,
    capacity,
    conditions: nodeConditions(inputs),
    daemonEndpoints: { kubeletEndpoint: { Port: config.kubeletPort } },
    images: inputs.images
      .slice(0, MOST_IMAGES)
      .map(({ name, id, sizeBytes }) => ({ names: [id, name], sizeBytes })),
    nodeInfo: {
      architecture: "amd64",
      bootID: inputs.bootId,
      containerRuntimeVersion: "containerd://2.2.0",
      kernelVersion: "6.12.0-kubesim",
      kubeProxyVersion: "",
      kubeletVersion: "v1.36.0",
      machineID: inputs.machineId,
      operatingSystem: "linux",
      osImage: "Kubesim",
      systemUUID: inputs.machineId,
    },
  };
}

const NO_NETWORK =
  "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";

function nodeConditions(inputs: NodeStatusInputs): NodeCondition[] {
  const ready: Omit<NodeCondition, "type"> = inputs.networkReady
    ? { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
    : { status: "False", reason: "KubeletNotReady", message: NO_NETWORK };
  const wanted: NodeCondition[] = [
    pressure("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    pressure("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    pressure("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    { type: "Ready", ...ready },
  ];
  const now = toTime(inputs.nowMs);
  return wanted.map((condition) => {
    const before = inputs.previous.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status && before.lastTransitionTime;
    return {
      ...condition,
      lastHeartbeatTime: now,
      lastTransitionTime: same ? before.lastTransitionTime : now,
    };
  });
}

const pressure = (type: string, reason: string, message: string): NodeCondition => ({
  type,
  status: "False",
  reason,
  message,
});

/** Whether two statuses say the same, heartbeat times apart: if so the next report can wait. */
export function sameNodeStatus(a: Node["status"], b: Node["status"]): boolean {
  const plain = (status: Node["status"]): string =>
    JSON.stringify({
      ...status,
      conditions: (status.conditions ?? []).map((condition) => ({ ...condition, lastHeartbeatTime: "" })),
    });
  return plain(a) === plain(b);
}

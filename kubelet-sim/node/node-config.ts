import type { Taint } from "../../machinery/api/core-v1.js";

/** One node as the kubelet is told to register it. */
export interface NodeConfig {
  /** `node-1` */
  name: string;
  /** InternalIP. */
  ip: string;
  zone?: string;
  region?: string;
  labels?: Readonly<Record<string, string>>;
  taints?: readonly Taint[];
  /** Default: 4 CPUs, 8Gi of memory, 110 pods. */
  capacity?: Readonly<Record<string, string>>;
}

/** What all nodes of a process share. Durations have the real kubelet's defaults. */
export interface KubeletConfig {
  clusterDns: string;
  clusterDomain: string;
  nodeNameservers: readonly string[];
  /** Socket on which this process carries the virtual network: annotation `kubesim.dev/carrier`. */
  carrier?: string;
  leaseDurationSeconds: number;
  nodeStatusUpdateMs: number;
  nodeStatusReportMs: number;
  kubeletPort: number;
}

export const KUBELET_DEFAULTS: KubeletConfig = {
  clusterDns: "10.96.0.10",
  clusterDomain: "cluster.local",
  nodeNameservers: ["10.96.0.10"],
  leaseDurationSeconds: 40,
  nodeStatusUpdateMs: 10_000,
  nodeStatusReportMs: 300_000,
  kubeletPort: 10250,
};

/** The address of node number `index` (from 1): 172.18.0.2 is the API server's, nodes follow. */
export function nodeAddress(index: number): string {
  const offset = index + 2;
  return `172.18.${Math.floor(offset / 256)}.${offset % 256}`;
}

/** `node-1` … `node-N`. */
export const numberedNodes = (count: number): NodeConfig[] =>
  Array.from({ length: count }, (_, i) => ({ name: `node-${i + 1}`, ip: nodeAddress(i + 1) }));

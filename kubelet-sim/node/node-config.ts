import { addressInCidr } from "../../machinery/network/addresses.js";
import type { Taint } from "../../machinery/api/core-v1.js";

/** One node as the kubelet is told to register it. */
export interface NodeConfig {
  /** `node-1` */
  name: string;
  /** InternalIP. */
  ip: string;
  /** InternalIP of the other family. */
  secondIP?: string;
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

/** The name server in the nodes' own resolv.conf: where names outside of the cluster are asked for. */
export const OUTSIDE_DNS_IP = "172.18.255.53";

export const KUBELET_DEFAULTS: KubeletConfig = {
  clusterDns: "10.96.0.10",
  clusterDomain: "cluster.local",
  nodeNameservers: [OUTSIDE_DNS_IP],
  leaseDurationSeconds: 40,
  nodeStatusUpdateMs: 10_000,
  nodeStatusReportMs: 300_000,
  kubeletPort: 10250,
};

export const nodeIPs = ({ ip, secondIP }: NodeConfig): string[] => (secondIP ? [ip, secondIP] : [ip]);

/** The addresses of node number `index` (from 1): 172.18.0.2 is the API server's, nodes follow. */
export const nodeAddresses = (index: number): Pick<NodeConfig, "ip" | "secondIP"> => ({
  ip: addressInCidr("172.18.0.0/16", index + 2),
  secondIP: addressInCidr("fd00:172:18::/64", index + 2),
});

/** `node-1` … `node-N`, round robin in as many zones `zone-a`, `zone-b`… as are wanted. */
export const numberedNodes = (count: number, zoneCount = 0): NodeConfig[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `node-${i + 1}`,
    ...nodeAddresses(i + 1),
    ...(zoneCount > 0 ? zoneOf(i, zoneCount) : {}),
  }));

const ZONE_LETTERS = "abcdefghijklmnopqrstuvwxyz";
export const MOST_ZONES = ZONE_LETTERS.length;

/** The zone of the node at `position` (from 0). */
export const zoneOf = (position: number, zoneCount: number): { region: string; zone: string } => ({
  region: "local",
  zone: `zone-${ZONE_LETTERS[position % Math.min(zoneCount, MOST_ZONES)]}`,
});

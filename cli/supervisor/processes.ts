import { join } from "node:path";
import { OUTSIDE_DNS_IP } from "../../kubelet-sim/node/node-config.js";
import type { ClusterDir, ClusterFile } from "./cluster.js";

/** In the order of start; stopped in the reverse order. */
export const PROCESS_NAMES = ["apiserver", "dataplane", "controllers", "kubelet", "proxy"] as const;
export type ProcessName = (typeof PROCESS_NAMES)[number];

/** Second instances, which only a fault starts. */
export const DUPLICATES = ["controllers-2", "proxy-2", "apiserver-2"] as const;
export type InstanceName = ProcessName | (typeof DUPLICATES)[number];

export interface LaunchOptions {
  durability?: "full" | "relaxed";
  history?: string;
  seed?: string;
  logLevel?: string;
  proxyMode?: string;
  podCidr?: string;
  ipReuse?: string;
  hostNodes?: number;
  /** LoadBalancers get addresses of this machine. */
  cloud?: boolean;
  /** Path of the file of names outside of the cluster. */
  dnsUpstream?: string;
  /** Faults may be injected. */
  chaos?: boolean;
  /** Further arguments by process name, from `--<process>-arg`. */
  extra?: Partial<Record<ProcessName, readonly string[]>>;
}

const API_SERVER_IPS = ["172.18.0.2", "fd00:172:18::2"];
const CLUSTER_DNS = "10.96.0.10:53";

export const adminSocket = (cluster: ClusterFile, name: InstanceName | "supervisor"): string =>
  join(cluster.runDir, `${name}.sock`);
export const carrierSocket = (cluster: ClusterFile, name: InstanceName): string =>
  join(cluster.runDir, `${name}.carrier.sock`);
export const pidFile = (cluster: ClusterFile, name: InstanceName | "supervisor"): string =>
  join(cluster.runDir, `${name}.pid`);

/** The command line of one process, after `kubesim <name>`. */
export function argumentsOf(
  name: ProcessName,
  dir: ClusterDir,
  cluster: ClusterFile,
  options: LaunchOptions,
): string[] {
  const credential = (component: string): string[] => [
    "--kubeconfig",
    join(dir.credentials, `${component}.kubeconfig`),
  ];
  const onNetwork = [
    "--carrier",
    carrierSocket(cluster, name),
    "--dataplane",
    carrierSocket(cluster, "dataplane"),
    "--cluster-token-file",
    dir.tokenFile,
  ];
  const common = [
    "--admin-socket",
    adminSocket(cluster, name),
    ...(options.seed ? ["--seed", options.seed] : []),
    ...(options.logLevel ? ["--log-level", options.logLevel] : []),
    ...(options.chaos ? ["--chaos"] : []),
    ...(options.extra?.[name] ?? []),
  ];
  switch (name) {
    case "apiserver":
      return [
        "--data-dir",
        dir.path,
        "--secure-port",
        String(cluster.apiPort),
        ...(options.durability ? ["--durability", options.durability] : []),
        ...(options.history ? ["--history", options.history] : []),
        ...onNetwork,
        ...common,
      ];
    case "dataplane":
      return [
        "--carrier",
        carrierSocket(cluster, name),
        "--cluster-token-file",
        dir.tokenFile,
        ...API_SERVER_IPS.flatMap((ip) => ["--route", `${ip}=${carrierSocket(cluster, "apiserver")}`]),
        "--route",
        `${OUTSIDE_DNS_IP}=${carrierSocket(cluster, "kubelet")}`,
        "--loopback-index",
        String(cluster.loopbackIndex),
        ...(options.hostNodes === undefined ? [] : ["--host-nodes", String(options.hostNodes)]),
        ...(cluster.dnsPort ? ["--publish", `127.0.0.1:${cluster.dnsPort}=${CLUSTER_DNS}`] : []),
        ...common,
      ];
    case "controllers":
      return [
        ...credential("controller-manager"),
        ...(options.podCidr ? ["--pod-cidr", options.podCidr] : []),
        ...(options.cloud
          ? ["--cloud", adminSocket(cluster, "dataplane"), "--loopback-index", String(cluster.loopbackIndex)]
          : []),
        ...common,
      ];
    case "kubelet":
      return [
        ...credential("admin"),
        "--credentials-dir",
        dir.credentials,
        "--nodes",
        String(cluster.nodes),
        ...(cluster.zones ? ["--zones", String(cluster.zones)] : []),
        ...(options.ipReuse ? ["--ip-reuse", options.ipReuse] : []),
        ...(options.dnsUpstream ? ["--dns-upstream", options.dnsUpstream] : []),
        ...onNetwork,
        ...common,
      ];
    case "proxy":
      return [
        ...credential("kube-proxy"),
        "--dataplane-admin",
        adminSocket(cluster, "dataplane"),
        ...(options.proxyMode ? ["--proxy-mode", options.proxyMode] : []),
        "--mode-file",
        join(dir.path, "proxy-modes.json"),
        ...onNetwork,
        ...common,
      ];
  }
}

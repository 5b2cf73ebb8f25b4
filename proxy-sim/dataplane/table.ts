import type { Protocol } from "../../machinery/api/core-v1.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";

/**
 * What the proxy programs and the data plane walks. Plain JSON, immutable, so that it can cross the admin socket and so
 * that nodes at one revision share it. Computed by `proxy-sim/rules.ts`.
 */

/** `10.96.0.10:53/UDP`, IPv6 in brackets. */
export type RouteKey = string;

export interface Backend {
  ip: string;
  port: number;
  /** Where the endpoint runs; absent for endpoints outside the cluster. */
  nodeName?: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  weight: number;
  zoneHints?: readonly string[];
  nodeHints?: readonly string[];
  /** Which slice, at which resourceVersion, and which Pod, for `trace` and `flows`. */
  slice: string;
  sliceResourceVersion: string;
  pod?: string;
}

export interface ServicePortRoute {
  /** `default/web:http`, or `default/web` for an unnamed port. */
  servicePort: string;
  serviceResourceVersion: string;
  protocol: Protocol;
  clusterIPs: readonly string[];
  port: number;
  nodePort?: number;
  externalIPs: readonly string[];
  loadBalancerIPs: readonly string[];
  /** Clients that may use `loadBalancerIPs`; absent: all. */
  loadBalancerSourceRanges?: readonly string[];
  sessionAffinitySeconds?: number;
  /** Where the node's proxy says whether it has endpoints of its own. */
  healthCheckNodePort?: number;
  internalTrafficPolicy: "Cluster" | "Local";
  externalTrafficPolicy: "Cluster" | "Local";
  backends: readonly Backend[];
}

/** Forwarding: who carries packets for these addresses. */
export interface NodeRoute {
  nodeName: string;
  internalIP: string;
  /** Its address of the other family. */
  secondaryIP?: string;
  podCIDRs: readonly string[];
  zone?: string;
  /** Where the node's host process listens: the value of the Node annotation `kubesim.dev/carrier`. */
  carrier: string;
  /** What its kernel sends on to pods. */
  hostPorts?: readonly HostPortMapping[];
}

/**
 * Moves nodes from one revision of their table to another. Nodes at one revision share one table, so a change for a
 * thousand of them is sent and applied once.
 */
export interface TableUpdate {
  /** The revision that these nodes are at. 0 is the empty table, whatever they hold. */
  from: number;
  to: number;
  /** Absent: every node at `from`; in a full transaction, every node. */
  nodes?: readonly string[];
  /** Never these. */
  except?: readonly string[];
  /** Take over the table that other nodes have at `to`, instead of `set` and `remove`. */
  adopt?: boolean;
  set: readonly ServicePortRoute[];
  /** `servicePort`s that are gone. */
  remove: readonly string[];
}

/** kube-proxy's `--healthz-bind-address`, of every address, and `--metrics-bind-address`, of loopback alone. */
export const HEALTHZ_PORT = 10_256;
export const METRICS_PORT = 10_249;

/** All of it happens, or none. */
export interface ProgramTransaction {
  /** The data plane it was computed for; another one answers `resync`. Absent: whichever it is. */
  bootId?: string;
  /** By name, from now on; see `proxy-sim/balancers/balancers.ts`. */
  balancer?: string;
  /** Nodes that have another one; with `balancer`, those not named have that. */
  nodeBalancers?: Readonly<Record<string, string>>;
  /** Where the nodes' proxies take connections to their own ports. Absent: as before. */
  proxyCarrier?: string;
  /** Nodes that are not in `nodes.set` are forgotten. */
  full?: boolean;
  nodes?: { set: readonly NodeRoute[]; remove: readonly string[] };
  tables?: readonly TableUpdate[];
}

export type ProgramResult =
  | {
      kind: "programmed";
      bootId: string;
      hostPorts: readonly HostPort[];
      /** UDP entries that were flushed because their endpoints are gone. */
      conntrackDeleted: number;
    }
  /** The base of the transaction is not what this data plane holds: everything must be sent anew. */
  | { kind: "resync"; bootId: string; reason: string };

/** A host socket that stands for a node's address. */
export interface HostPort {
  servicePort: string;
  node: string;
  /** `127.0.0.1:30080`. */
  wanted: string;
  /** The same, or the free port used instead; absent when nothing listens. */
  actual?: string;
  /** Why not the wanted one. */
  problem?: string;
}

/** A start of the data plane, as a proxy learns of it. */
export interface DataPlaneBoot {
  bootId: string;
  /** Of its newest table; 0 when it has none. */
  revision: number;
}

/** What the proxy needs of a data plane: over its admin socket, or a direct call. */
export interface DataPlaneApi {
  /** Rejects when it does not answer; then nobody knows whether the transaction was applied. */
  program(transaction: ProgramTransaction, signal?: AbortSignal): Promise<ProgramResult>;
  /** The data plane that is there now, and every later one, until the signal aborts. */
  boots(signal: AbortSignal): AsyncIterable<DataPlaneBoot>;
}

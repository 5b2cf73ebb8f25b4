import type { Protocol } from "../../machinery/api/core-v1.js";

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
  sessionAffinitySeconds?: number;
  internalTrafficPolicy: "Cluster" | "Local";
  externalTrafficPolicy: "Cluster" | "Local";
  backends: readonly Backend[];
}

/** Forwarding: who carries packets for these addresses. */
export interface NodeRoute {
  nodeName: string;
  internalIP: string;
  podCIDRs: readonly string[];
  zone?: string;
  /** Where the node's host process listens: the value of the Node annotation `kubesim.dev/carrier`. */
  carrier: string;
}

import type { Rng } from "../../machinery/api/rng.js";
import type { Backend } from "../dataplane/table.js";

export type ProxyMode = "iptables" | "nftables" | "ipvs" | "userspace";

/** What a balancer remembers: one for each node and virtual address, kept across table updates. Its values are immutable. */
export interface BalancerState {
  readonly rng: Rng;
  /** Connections balanced so far, or where a walk over the endpoints stands. */
  turn: number;
  /** Of weighted round robin: endpoints of less weight wait. */
  currentWeight: number;
  /** Of the locality schedulers: the endpoints that serve this address, and since when. */
  servers: readonly string[];
  serversSinceMs: number;
}

export const newBalancerState = (rng: Rng): BalancerState => ({
  rng,
  turn: 0,
  currentWeight: 0,
  servers: [],
  serversSinceMs: 0,
});

/** The connection to be balanced. */
export interface NewConnection {
  clientIp: string;
  /** As the client dialled it. */
  destinationIp: string;
  nowMs: number;
  /** Connections that this node has open to the endpoint through this address. */
  readonly active: (backend: Backend) => number;
}

/** How a proxy mode spreads new connections over endpoints. */
export interface Balancer {
  /** `iptables`, `ipvs-rr`: what `--proxy-mode` takes. */
  readonly name: string;
  readonly mode: ProxyMode;
  /** `backends` is not empty, and the same array as long as nothing changed. */
  readonly pick: (backends: readonly Backend[], state: BalancerState, connection: NewConnection) => Backend;
}

import type { Rng } from "../../machinery/api/rng.js";
import type { Backend } from "../dataplane/table.js";

/** What a balancer remembers: one for each node and service port, kept across table updates. */
export interface BalancerState {
  readonly rng: Rng;
  /** Connections balanced so far. */
  turn: number;
}

/** How a proxy mode spreads new connections over endpoints. */
export interface Balancer {
  /** `iptables`, `ipvs-rr`. */
  readonly name: string;
  /** `backends` is not empty. */
  pick(backends: readonly Backend[], state: BalancerState): Backend;
}

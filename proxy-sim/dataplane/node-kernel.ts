import type { Rng } from "../../machinery/api/rng.js";
import type { BalancerState } from "../balancers/balancer.js";
import { AffinityTable } from "./affinity.js";
import { RouteTable } from "./route-table.js";

/** What one node has for itself: its table (perhaps shared), and what its packets left behind. */
export class NodeKernel {
  readonly name: string;
  readonly affinity = new AffinityTable();
  table = RouteTable.empty;
  readonly #rng: Rng;
  readonly #balancing = new Map<string, BalancerState>();

  constructor(name: string, rng: Rng) {
    this.name = name;
    this.#rng = rng;
  }

  balancing(servicePort: string): BalancerState {
    let state = this.#balancing.get(servicePort);
    if (!state) {
      state = { rng: this.#rng, turn: 0 };
      this.#balancing.set(servicePort, state);
    }
    return state;
  }

  forget(servicePort: string): void {
    this.#balancing.delete(servicePort);
  }
}

import type { Rng } from "../../machinery/api/rng.js";
import { type Balancer, type BalancerState, newBalancerState } from "../balancers/balancer.js";
import { AffinityTable } from "./affinity.js";
import { RouteTable } from "./route-table.js";

/** What one node has for itself: its table (perhaps shared), its proxy's mode, and what its packets left behind. */
export class NodeKernel {
  readonly name: string;
  readonly affinity = new AffinityTable();
  table = RouteTable.empty;
  readonly #rng: Rng;
  /** By service port, then by address: IPVS has a virtual server for each. */
  readonly #balancing = new Map<string, Map<string, BalancerState>>();
  #balancer: Balancer;

  constructor(name: string, rng: Rng, balancer: Balancer) {
    this.name = name;
    this.#rng = rng;
    this.#balancer = balancer;
  }

  get balancer(): Balancer {
    return this.#balancer;
  }

  /** Another mode starts anew; open connections keep their endpoints. */
  use(balancer: Balancer): void {
    if (balancer === this.#balancer) return;
    if (balancer.mode !== this.#balancer.mode) this.affinity.clear();
    this.#balancer = balancer;
    this.#balancing.clear();
  }

  balancing(servicePort: string, destinationIp: string): BalancerState {
    let states = this.#balancing.get(servicePort);
    if (!states) {
      states = new Map();
      this.#balancing.set(servicePort, states);
    }
    let state = states.get(destinationIp);
    if (!state) {
      state = newBalancerState(this.#rng);
      states.set(destinationIp, state);
    }
    return state;
  }

  forget(servicePort: string): void {
    this.#balancing.delete(servicePort);
  }
}

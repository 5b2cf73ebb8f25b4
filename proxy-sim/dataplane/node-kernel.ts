import type { Rng } from "../../machinery/api/rng.js";
import { type Balancer, type BalancerState, newBalancerState } from "../balancers/balancer.js";
import { type AffinityTable, newAffinityTable } from "./affinity.js";
import type { ServicePortRoute } from "./table.js";
import { RouteTable } from "./route-table.js";

/** What one node has for itself: its table (perhaps shared), its proxy's mode, and what its packets left behind. */
export class NodeKernel {
  readonly name: string;
  table = RouteTable.empty;
  readonly #rng: Rng;
  /** By service port, then by address: IPVS has a virtual server for each. */
  readonly #balancing = new Map<string, Map<string, BalancerState>>();
  #balancer: Balancer;
  #affinity: AffinityTable;

  constructor(name: string, rng: Rng, balancer: Balancer) {
    this.name = name;
    this.#rng = rng;
    this.#balancer = balancer;
    this.#affinity = newAffinityTable(balancer.mode);
  }

  get affinity(): AffinityTable {
    return this.#affinity;
  }

  get balancer(): Balancer {
    return this.#balancer;
  }

  /** Another mode starts anew; open connections keep their endpoints. */
  use(balancer: Balancer): void {
    if (balancer === this.#balancer) return;
    if (balancer.mode !== this.#balancer.mode) this.#affinity = newAffinityTable(balancer.mode);
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

  /** The rules of these service ports were written anew, and those are gone. */
  follow({ set, remove }: { set: readonly ServicePortRoute[]; remove: readonly string[] }): void {
    for (const servicePort of remove) {
      this.#affinity.follow(servicePort);
      this.#balancing.delete(servicePort);
    }
    // Most nodes remember nobody; a full table need not be walked for each of them.
    if (this.#affinity.isEmpty) return;
    for (const route of set) this.#affinity.follow(route.servicePort, route);
  }
}

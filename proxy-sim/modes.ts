import type { ProxyMode } from "./balancers/balancer.js";
import { balancerNamed } from "./balancers/balancers.js";

/** What a restarted proxy needs to go on in the modes that it was switched to. */
export interface SavedModes {
  /** What the proxy was started with; started with another mode, it takes that. */
  startedWith: string;
  balancer: string;
  nodeBalancers: Record<string, string>;
}

export interface ModeStore {
  load(): SavedModes | undefined;
  save(modes: SavedModes): void;
}

/** Which mode each node's proxy runs in. Nodes may differ, and any of them may be switched at any time. */
export class Modes {
  readonly #byNode = new Map<string, string>();
  readonly #startedWith: string;
  readonly #store: ModeStore | undefined;
  #everywhere: string;
  #told = false;

  /** Throws RangeError for a mode that does not exist. */
  constructor(mode: string, store?: ModeStore) {
    this.#startedWith = named(mode);
    this.#everywhere = this.#startedWith;
    this.#store = store;
    const saved = store?.load();
    if (saved?.startedWith !== this.#startedWith) return;
    this.#everywhere = named(saved.balancer);
    for (const [node, name] of Object.entries(saved.nodeBalancers)) this.#byNode.set(node, named(name));
  }

  /** Of one node, or of all, whatever they had. Throws RangeError for a mode that does not exist. */
  set(mode: string, node?: string): void {
    const name = named(mode);
    if (node === undefined) {
      this.#everywhere = name;
      this.#byNode.clear();
    } else this.#byNode.set(node, name);
    this.#changed();
  }

  forget(node: string): void {
    if (this.#byNode.delete(node)) this.#changed();
  }

  /** By name, with the scheduler: `ipvs-lc`. */
  of(node: string): string {
    return this.#byNode.get(node) ?? this.#everywhere;
  }

  /** Without the scheduler: `ipvs`. */
  modeOf(node: string): ProxyMode {
    return balancerNamed(this.of(node))?.mode ?? "iptables";
  }

  /** The data plane has not heard of the last change. */
  get pending(): boolean {
    return !this.#told;
  }

  /** What a transaction says of them. */
  get part(): { balancer: string; nodeBalancers: Record<string, string> } {
    return { balancer: this.#everywhere, nodeBalancers: Object.fromEntries(this.#byNode) };
  }

  /** The data plane took the `part` that it was sent; what was set since is still pending. */
  told({ balancer, nodeBalancers }: Modes["part"]): void {
    const now = this.part;
    this.#told =
      balancer === now.balancer && JSON.stringify(nodeBalancers) === JSON.stringify(now.nodeBalancers);
  }

  #changed(): void {
    this.#told = false;
    this.#store?.save({ startedWith: this.#startedWith, ...this.part });
  }
}

function named(mode: string): string {
  const balancer = balancerNamed(mode);
  if (!balancer) throw new RangeError(`unknown proxy mode "${mode}"`);
  return balancer.name;
}

import { balancerNamed } from "./balancers/balancers.js";

/** Which mode each node's proxy runs in. Nodes may differ, and any of them may be switched at any time. */
export class Modes {
  readonly #byNode = new Map<string, string>();
  #everywhere: string;
  #told = false;

  /** Throws RangeError for a mode that does not exist. */
  constructor(mode: string) {
    this.#everywhere = named(mode);
  }

  /** Of one node, or of all, whatever they had. Throws RangeError for a mode that does not exist. */
  set(mode: string, node?: string): void {
    const name = named(mode);
    if (node === undefined) {
      this.#everywhere = name;
      this.#byNode.clear();
    } else this.#byNode.set(node, name);
    this.#told = false;
  }

  forget(node: string): void {
    if (this.#byNode.delete(node)) this.#told = false;
  }

  of(node: string): string {
    return this.#byNode.get(node) ?? this.#everywhere;
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
}

function named(mode: string): string {
  const balancer = balancerNamed(mode);
  if (!balancer) throw new RangeError(`unknown proxy mode "${mode}"`);
  return balancer.name;
}

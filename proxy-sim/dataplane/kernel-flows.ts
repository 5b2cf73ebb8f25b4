import type { OwnedConnection } from "../../machinery/network/memory-pipe.js";

/** Open TCP connections by the node whose kernel translates them, as its conntrack would know them. */
export class KernelFlows {
  readonly #byNode = new Map<string, Set<OwnedConnection>>();

  /** Until it is closed. */
  add(node: string, connection: OwnedConnection): void {
    const own = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, own.add(connection));
    void connection.closed.then(() => {
      own.delete(connection);
      if (own.size === 0 && this.#byNode.get(node) === own) this.#byNode.delete(node);
    });
  }

  /** A kernel that does not know a connection answers its packets with RST. */
  reset(node: string): void {
    for (const connection of this.#byNode.get(node) ?? []) connection.reset();
  }
}

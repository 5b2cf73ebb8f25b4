import type { Node } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import type { NodeRoute } from "./dataplane/table.js";
import { nodeRouteOf } from "./rules.js";
import type { NodeChanges } from "./transaction.js";

/** The nodes' forwarding, and what of it the data plane does not know yet. Heartbeats change nothing here. */
export class NodeTracker {
  readonly #routes = new Map<string, NodeRoute>();
  readonly #changed = new Set<string>();
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();

  get size(): number {
    return this.#routes.size;
  }

  all(): NodeRoute[] {
    return [...this.#routes.values()];
  }

  has(name: string): boolean {
    return this.#routes.has(name);
  }

  /** True when its route is another than before. */
  set(node: DeepReadonly<Node>): boolean {
    const route = nodeRouteOf(node);
    const known = this.#routes.get(route.nodeName);
    if (known && JSON.stringify(known) === JSON.stringify(route)) return false;
    this.#routes.set(route.nodeName, route);
    this.#changed.add(route.nodeName);
    if (!known) this.#added.add(route.nodeName);
    return true;
  }

  remove(name: string): boolean {
    if (!this.#routes.delete(name)) return false;
    this.#changed.delete(name);
    this.#added.delete(name);
    this.#removed.add(name);
    return true;
  }

  /** What changed since the last call. A removed node that is back is removed and added: it starts without a table. */
  take(): NodeChanges {
    const changes = {
      set: [...this.#changed].map((name) => this.#routes.get(name)).filter((route) => route !== undefined),
      remove: [...this.#removed],
      added: [...this.#added],
    };
    this.#changed.clear();
    this.#added.clear();
    this.#removed.clear();
    return changes;
  }
}

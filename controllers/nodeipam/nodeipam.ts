import { type Node, nodes } from "../../machinery/api/core-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { nextFree, parseRange, rangeFor } from "./pod-cidrs.js";

/** Gives each node the range that its pods' addresses come from. */
export const nodeIpamController = defineController({
  name: "nodeipam",
  component: "cidrAllocator",
  for: nodes,
  concerns: (old, node) => old.spec.podCIDR !== node.spec.podCIDR,
  // One at a time would do; more only overlap the waiting for the server.
  workers: 10,
  reconciler: (deps) => new NodeIpamReconciler(deps),
});

class NodeIpamReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #nodes: Informer<Node>;
  /** By node: assigned, or about to be. */
  readonly #taken = new Map<ObjectKey, string>();
  readonly #used = new Set<string>();
  /** Where the search goes on: what was just given back is not given out again at once. */
  #next = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#nodes = deps.informer(nodes);
    this.#nodes.onChange({
      added: (node) => this.#note(node.metadata.name, node.spec.podCIDR),
      updated: (_old, node) => this.#note(node.metadata.name, node.spec.podCIDR),
      deleted: (node) => this.#release(node.metadata.name),
    });
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const node = this.#nodes.get(key);
    if (!node || node.spec.podCIDR) return undefined;
    const cidr = this.#taken.get(key) ?? this.#reserve(key);
    if (!cidr) {
      const message = `Node ${key} status is now: CIDRNotAvailable`;
      this.#deps.events.event(node, "Normal", "CIDRNotAvailable", message);
      return { requeueAfterMs: 10_000 };
    }
    const body = { spec: { podCIDR: cidr, podCIDRs: [cidr] } };
    try {
      this.#nodes.observe(await this.#deps.client.patch(nodes, { name: key }, { type: "strategic", body }));
    } catch (err) {
      if (!isNotFound(err)) throw err;
      this.#release(key);
    }
    return undefined;
  }

  #reserve(key: ObjectKey): string | undefined {
    const { podCidr } = this.#deps;
    const range = podCidr ? parseRange(podCidr) : rangeFor(this.#nodes.size);
    const found = range && nextFree(range, this.#used, this.#next);
    if (!found) return undefined;
    this.#next = found.next;
    this.#note(key, found.cidr);
    return found.cidr;
  }

  #note(key: ObjectKey, cidr: string | undefined): void {
    if (!cidr || this.#taken.get(key) === cidr) return;
    this.#release(key);
    this.#taken.set(key, cidr);
    this.#used.add(cidr);
  }

  #release(key: ObjectKey): void {
    const cidr = this.#taken.get(key);
    if (cidr) this.#used.delete(cidr);
    this.#taken.delete(key);
  }
}

import { type Node, nodes } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { type CidrRange, nextFree, parseRanges, rangesFor } from "./pod-cidrs.js";

/** Gives each node the ranges that its pods' addresses come from, one of each family. */
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
  readonly #taken = new Map<ObjectKey, readonly string[]>();
  readonly #used = new Set<string>();
  /** By the position of the cluster's range, where the search goes on: what was just given back comes last. */
  readonly #next: number[] = [];

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#nodes = deps.informer(nodes);
    this.#nodes.onChange({
      added: (node) => this.#note(node.metadata.name, podCIDRsOf(node)),
      updated: (_old, node) => this.#note(node.metadata.name, podCIDRsOf(node)),
      deleted: (node) => this.#release(node.metadata.name),
    });
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const node = this.#nodes.get(key);
    if (!node || node.spec.podCIDR) return undefined;
    const cidrs = this.#taken.get(key) ?? this.#reserve(key);
    if (!cidrs) {
      const message = `Node ${key} status is now: CIDRNotAvailable`;
      this.#deps.events.event(node, "Normal", "CIDRNotAvailable", message);
      return { requeueAfterMs: 10_000 };
    }
    const body = { spec: { podCIDR: cidrs[0], podCIDRs: cidrs } };
    try {
      this.#nodes.observe(await this.#deps.client.patch(nodes, { name: key }, { type: "strategic", body }));
    } catch (err) {
      if (!isNotFound(err)) throw err;
      this.#release(key);
    }
    return undefined;
  }

  /** All or nothing: a node has a range of every family. */
  #reserve(key: ObjectKey): readonly string[] | undefined {
    const { podCidr } = this.#deps;
    const ranges: CidrRange[] = (podCidr ? parseRanges(podCidr) : rangesFor(this.#nodes.size)) ?? [];
    const found = ranges.map((range, i) => nextFree(range, this.#used, this.#next[i]));
    const cidrs = found.flatMap((free) => free?.cidr ?? []);
    if (cidrs.length === 0 || cidrs.length < ranges.length) return undefined;
    for (const [i, free] of found.entries()) this.#next[i] = free?.next ?? 0;
    this.#note(key, cidrs);
    return cidrs;
  }

  #note(key: ObjectKey, cidrs: readonly string[]): void {
    if (cidrs.length === 0) return;
    this.#release(key);
    this.#taken.set(key, cidrs);
    for (const cidr of cidrs) this.#used.add(cidr);
  }

  #release(key: ObjectKey): void {
    for (const cidr of this.#taken.get(key) ?? []) this.#used.delete(cidr);
    this.#taken.delete(key);
  }
}

const podCIDRsOf = ({ spec }: DeepReadonly<Node>): readonly string[] =>
  spec.podCIDRs?.length ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];

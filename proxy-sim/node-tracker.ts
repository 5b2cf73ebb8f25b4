import type { Node } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import type { NodeRoute } from "./dataplane/table.js";
import { nodeRouteOf } from "./rules.js";
import { canonicalIp, familyOf, type IpFamily } from "../machinery/network/addresses.js";
import type { NodeChanges } from "./transaction.js";

/** The nodes' forwarding, and what of it the data plane does not know yet. Heartbeats change nothing here. */
export class NodeTracker {
  readonly #routes = new Map<string, NodeRoute>();
  readonly #changed = new Set<string>();
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #byIp = new Map<string, string>();
  readonly #leaving = new Set<string>();
  readonly #families = new Set<IpFamily>();

  get size(): number {
    return this.#routes.size;
  }

  all(): NodeRoute[] {
    return [...this.#routes.values()];
  }

  has(name: string): boolean {
    return this.#routes.has(name);
  }

  /** Those that some node has, or had. */
  get families(): readonly IpFamily[] {
    return this.#families.size === 0 ? ["IPv4"] : [...this.#families];
  }

  /** The node that has this address. */
  at(ip: string): string | undefined {
    return this.#byIp.get(canonicalIp(ip));
  }

  /** False for a node that is deleted, or that the cluster autoscaler is about to remove. */
  isEligible(name: string): boolean {
    return this.#routes.has(name) && !this.#leaving.has(name);
  }

  /** True when its route is another than before. */
  set(node: DeepReadonly<Node>): boolean {
    const route = nodeRouteOf(node);
    if (isLeaving(node)) this.#leaving.add(route.nodeName);
    else this.#leaving.delete(route.nodeName);
    const known = this.#routes.get(route.nodeName);
    if (known && JSON.stringify(known) === JSON.stringify(route)) return false;
    this.#forgetAddresses(route.nodeName);
    this.#routes.set(route.nodeName, route);
    for (const ip of [route.internalIP, route.secondaryIP]) {
      if (!ip) continue;
      this.#byIp.set(ip, route.nodeName);
      this.#families.add(familyOf(ip));
    }
    this.#changed.add(route.nodeName);
    if (!known) this.#added.add(route.nodeName);
    return true;
  }

  remove(name: string): boolean {
    this.#forgetAddresses(name);
    this.#leaving.delete(name);
    if (!this.#routes.delete(name)) return false;
    this.#changed.delete(name);
    this.#added.delete(name);
    this.#removed.add(name);
    return true;
  }

  #forgetAddresses(name: string): void {
    const { internalIP, secondaryIP } = this.#routes.get(name) ?? {};
    for (const ip of [internalIP, secondaryIP]) if (ip && this.#byIp.get(ip) === name) this.#byIp.delete(ip);
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

/** The cluster autoscaler's mark on a node that it is about to remove. */
const TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler";

const isLeaving = ({ metadata, spec }: DeepReadonly<Node>): boolean =>
  metadata.deletionTimestamp !== undefined || (spec?.taints ?? []).some(({ key }) => key === TO_BE_DELETED);

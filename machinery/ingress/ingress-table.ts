import type { Ingress } from "../api/networking-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { type ObjectKey, objectKey } from "../api/resource.js";
import { hostsOf, toVirtualHost } from "./ingress-routes.js";
import type { Router } from "./router.js";

/** Keeps a router equal to a set of Ingresses. A change costs the hosts that it names. */
export class IngressTable {
  readonly #router: Router;
  readonly #ingresses = new Map<ObjectKey, DeepReadonly<Ingress>>();
  readonly #byHost = new Map<string, Set<ObjectKey>>();
  readonly #dirty = new Set<string>();
  #defaults: Readonly<Record<string, string>> = {};

  constructor(router: Router) {
    this.#router = router;
  }

  has(key: ObjectKey): boolean {
    return this.#ingresses.has(key);
  }

  keys(): ObjectKey[] {
    return [...this.#ingresses.keys()];
  }

  set(ingress: DeepReadonly<Ingress>): void {
    const key = objectKey(ingress);
    this.delete(key);
    this.#ingresses.set(key, ingress);
    for (const host of hostsOf(ingress)) {
      const keys = this.#byHost.get(host) ?? new Set();
      this.#byHost.set(host, keys.add(key));
      this.#dirty.add(host);
    }
  }

  delete(key: ObjectKey): void {
    const ingress = this.#ingresses.get(key);
    if (!ingress) return;
    this.#ingresses.delete(key);
    for (const host of hostsOf(ingress)) {
      this.#byHost.get(host)?.delete(key);
      this.#dirty.add(host);
    }
  }

  /** Settings of the controller's ConfigMap; every host is looked at anew. */
  setDefaults(defaults: Readonly<Record<string, string>>): void {
    this.#defaults = defaults;
    for (const host of this.#byHost.keys()) this.#dirty.add(host);
  }

  /** Brings the changes since the last call into the router. False when there were none. */
  flush(): boolean {
    const hosts = [...this.#dirty];
    this.#dirty.clear();
    for (const host of hosts) this.#update(host);
    return hosts.length > 0;
  }

  #update(host: string): void {
    const ingresses = [...(this.#byHost.get(host) ?? [])].flatMap((key) => this.#ingresses.get(key) ?? []);
    if (ingresses.length > 0) return this.#router.set(toVirtualHost(host, ingresses, this.#defaults));
    this.#byHost.delete(host);
    this.#router.delete(host);
  }
}

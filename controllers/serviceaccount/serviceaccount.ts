import { type Namespace, namespaces, serviceAccounts } from "../../machinery/api/core-v1.js";
import { type ObjectKey, splitObjectKey } from "../../machinery/api/resource.js";
import { isAlreadyExists } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { isNamespaceTerminating } from "../error-message.js";

/** Every namespace has a ServiceAccount `default`; deleted, it comes back. */
export const serviceAccountController = defineController({
  name: "serviceaccount",
  for: namespaces,
  watches: [
    enqueueMapped(serviceAccounts, ({ metadata }) =>
      metadata.name === "default" ? [metadata.namespace ?? ""] : [],
    ),
  ],
  reconciler: (deps) => new ServiceAccountReconciler(deps),
});

class ServiceAccountReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #namespaces: Informer<Namespace>;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#namespaces = deps.informer(namespaces);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const { name } = splitObjectKey(key);
    const namespace = this.#namespaces.get(name);
    if (!namespace || namespace.status.phase === "Terminating" || namespace.metadata.deletionTimestamp) {
      return undefined;
    }
    if (this.#deps.informer(serviceAccounts).get(`${name}/default`)) return undefined;
    try {
      await this.#deps.client.create(serviceAccounts, { metadata: { namespace: name, name: "default" } });
    } catch (err) {
      if (!isAlreadyExists(err) && !isNamespaceTerminating(err)) throw err;
    }
    return undefined;
  }
}

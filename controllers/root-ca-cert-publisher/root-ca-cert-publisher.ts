import { type ConfigMap, configMaps, type Namespace, namespaces } from "../../machinery/api/core-v1.js";
import { type ObjectKey, splitObjectKey } from "../../machinery/api/resource.js";
import { isAlreadyExists, isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { isNamespaceTerminating } from "../error-message.js";

const NAME = "kube-root-ca.crt";
const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Every namespace has the cluster's certificate authority in ConfigMap `kube-root-ca.crt`, as pods mount it. */
export const rootCaCertPublisher = defineController({
  name: "root-ca-cert-publisher",
  for: namespaces,
  watches: [
    enqueueMapped(configMaps, ({ metadata }) => (metadata.name === NAME ? [metadata.namespace ?? ""] : [])),
  ],
  reconciler: (deps) => new RootCaReconciler(deps),
});

class RootCaReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #namespaces: Informer<Namespace>;
  readonly #configMaps: Informer<ConfigMap>;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#namespaces = deps.informer(namespaces);
    this.#configMaps = deps.informer(configMaps);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const { caCertificate, client } = this.#deps;
    const { name: namespace } = splitObjectKey(key);
    const object = this.#namespaces.get(namespace);
    if (caCertificate === undefined || !object || object.metadata.deletionTimestamp) return undefined;
    const current = this.#configMaps.get(`${namespace}/${NAME}`);
    const data = { "ca.crt": caCertificate };
    const annotations = { "kubernetes.io/description": DESCRIPTION };
    if (current?.data?.["ca.crt"] === caCertificate && Object.keys(current.data).length === 1)
      return undefined;
    try {
      if (!current)
        await client.create(configMaps, { metadata: { namespace, name: NAME, annotations }, data });
      else {
        const metadata = {
          ...current.metadata,
          annotations: { ...current.metadata.annotations, ...annotations },
        };
        await client.update(configMaps, { ...current, metadata, data } as ConfigMap);
      }
    } catch (err) {
      if (!isAlreadyExists(err) && !isNotFound(err) && !isNamespaceTerminating(err)) throw err;
    }
    return undefined;
  }
}

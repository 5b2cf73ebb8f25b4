import { type Namespace, namespaces } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import type { ObjectKey, ResourceDescriptor } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import { type DiscoveredResource, discoverResources } from "../../machinery/client/discovery.js";
import type { Informer } from "../../machinery/client/informer.js";
import { settleBounded } from "../bounded.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import { messageOf } from "../error-message.js";
import type { ReconcileResult } from "../workers.js";
import { type ContentReport, namespaceConditions } from "./conditions.js";

const FINALIZER = "kubernetes";
/** Content that takes its time (pods with a grace period) is looked at again after this long. */
const RECHECK_MS = 1000;
const PARALLEL_KINDS = 8;

/** Empties namespaces that are being deleted, then lets them go. */
export const namespaceController = defineController({
  name: "namespace",
  for: namespaces,
  concerns: (_old, namespace) => namespace.metadata.deletionTimestamp !== undefined,
  workers: 10,
  reconciler: (deps) => new NamespaceReconciler(deps),
});

class NamespaceReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #namespaces: Informer<Namespace>;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#namespaces = deps.informer(namespaces);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const namespace = this.#namespaces.get(key);
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(FINALIZER)) {
      return undefined;
    }
    const report = await this.#deleteContent(key);
    const current = await this.#updateStatus(namespace, report);
    if (!current) return undefined;
    const done =
      report.remaining.size === 0 &&
      report.deletionFailures.length === 0 &&
      report.discoveryFailure === undefined;
    if (!done) return { requeueAfterMs: RECHECK_MS };
    await this.#finalize(current);
    return undefined;
  }

  // Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter.go deleteAllContent.
  async #deleteContent(namespace: string): Promise<ContentReport> {
    const deletionFailures: string[] = [];
    const remaining = new Map<string, number>();
    const finalizers = new Map<string, number>();
    let resources: DiscoveredResource[];
    try {
      resources = await discoverResources(this.#deps.client);
    } catch (err) {
      return { discoveryFailure: messageOf(err), deletionFailures, remaining, finalizers };
    }
    const deletable = resources.filter(
      ({ descriptor, verbs }) =>
        descriptor.namespaced && verbs.includes("delete") && verbs.includes("list") && !isView(descriptor),
    );
    await settleBounded(deletable, PARALLEL_KINDS, async ({ descriptor }) => {
      try {
        await this.#deleteKind(namespace, descriptor, remaining, finalizers);
      } catch (err) {
        deletionFailures.push(messageOf(err));
      }
    });
    return { deletionFailures, remaining, finalizers };
  }

  async #deleteKind(
    namespace: string,
    descriptor: ResourceDescriptor,
    remaining: Map<string, number>,
    finalizers: Map<string, number>,
  ): Promise<void> {
    const { client } = this.#deps;
    const before = await client.list(descriptor, { namespace, limit: 1 });
    if (before.items.length === 0) return;
    await client.deleteCollection(descriptor, { namespace }, { propagationPolicy: "Background" });
    const { items } = await client.list(descriptor, { namespace });
    if (items.length === 0) return;
    remaining.set(`${descriptor.plural}.${descriptor.group}`, items.length);
    for (const { metadata } of items) {
      for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
    }
  }

  /** Undefined when it is gone. */
  async #updateStatus(
    namespace: DeepReadonly<Namespace>,
    report: ContentReport,
  ): Promise<Namespace | undefined> {
    const conditions = namespaceConditions(namespace.status.conditions, report, this.#deps.clock.nowMs());
    const same = JSON.stringify(conditions) === JSON.stringify(namespace.status.conditions);
    if (same) return namespace as Namespace;
    const updated = { ...namespace, status: { ...namespace.status, conditions } } as Namespace;
    try {
      const stored = await this.#deps.client.update(namespaces, updated, { subresource: "status" });
      return this.#namespaces.observe(stored);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  async #finalize(namespace: Namespace): Promise<void> {
    const finalizers = (namespace.spec.finalizers ?? []).filter((name) => name !== FINALIZER);
    const updated = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await this.#deps.client.update(namespaces, updated, { subresource: "finalize" });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}

/** events.k8s.io shows the core events once more. */
const isView = ({ kind, group }: ResourceDescriptor): boolean =>
  kind === "Event" && group === "events.k8s.io";

import {
  type LoadBalancerIngress,
  type Node,
  nodes,
  type Service,
  services,
} from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import { messageOf } from "../error-message.js";
import type { ReconcileResult } from "../workers.js";
import type { CloudLoadBalancers } from "./cloud.js";
import {
  type CachedService,
  changeOf,
  CLEANUP_FINALIZER,
  hasFinalizer,
  isBalancedTo,
  needsCleanup,
  wantsBalancer,
} from "./rules.js";

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/** Gives Services of type LoadBalancer their balancers, when there is a cloud; without one they stay pending. */
export const serviceController = defineController({
  name: "service",
  component: "service-controller",
  for: services,
  concerns: (old, service) => changeOf(old, service) !== undefined || needsCleanup(service),
  reconciler: (deps) => new ServiceReconciler(deps),
});

/** What the cloud was last told. */
interface Balanced {
  service: CachedService;
  nodes: string;
}

// Upstream: cloud-provider/controllers/service/controller.go.
class ServiceReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #balanced = new Map<ObjectKey, Balanced>();
  readonly #retryMs = new Map<ObjectKey, number>();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#services = deps.informer(services);
    this.#nodes = deps.informer(nodes);
    const lookAgain = (): void => {
      for (const key of this.#balanced.keys()) deps.enqueue(key);
    };
    this.#nodes.onChange({
      added: lookAgain,
      updated: (old, node) => {
        if (isBalancedTo(old) !== isBalancedTo(node)) lookAgain();
      },
      deleted: lookAgain,
    });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const { cloud } = this.#deps;
    if (!cloud) return undefined;
    const service = this.#services.get(key);
    const known = this.#balanced.get(key);
    try {
      if (known && known.service.metadata.uid !== service?.metadata.uid)
        await this.#forget(key, known, cloud);
      if (service) await this.#sync(key, service, cloud, signal);
      this.#retryMs.delete(key);
      return undefined;
    } catch (err) {
      if (signal.aborted) return undefined;
      const message = `Error syncing load balancer: ${messageOf(err).replace(/^Error: /, "")}`;
      const regarding = service ?? known?.service;
      if (regarding) this.#deps.events.event(regarding, "Warning", "SyncLoadBalancerFailed", message);
      const retryMs = Math.min((this.#retryMs.get(key) ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS);
      this.#retryMs.set(key, retryMs);
      return { requeueAfterMs: retryMs };
    }
  }

  async #sync(
    key: ObjectKey,
    service: CachedService,
    cloud: CloudLoadBalancers,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#balanced.get(key);
    if (needsCleanup(service) || (known && !wantsBalancer(service)))
      return this.#cleanUp(key, service, cloud);
    if (!wantsBalancer(service) || service.metadata.deletionTimestamp) return;
    const change = known && changeOf(known.service, service);
    if (!known || change || this.#retryMs.has(key)) {
      if (change && change !== "untold") this.#tell(service, change.reason, change.message);
      return this.#ensure(key, service, cloud, signal);
    }
    const nodeNames = this.#nodeNames();
    if (nodeNames.join() === known.nodes) return;
    await cloud.ensure(key, service, nodeNames, signal);
    this.#balanced.set(key, { service, nodes: nodeNames.join() });
    this.#tell(service, "UpdatedLoadBalancer", "Updated load balancer with new hosts");
  }

  async #ensure(
    key: ObjectKey,
    service: CachedService,
    cloud: CloudLoadBalancers,
    signal: AbortSignal,
  ): Promise<void> {
    this.#tell(service, "EnsuringLoadBalancer", "Ensuring load balancer");
    if (!hasFinalizer(service))
      await this.#patchFinalizers(service, [...(service.metadata.finalizers ?? []), CLEANUP_FINALIZER]);
    const nodeNames = this.#nodeNames();
    if (nodeNames.length === 0) {
      const message = "There are no available nodes for LoadBalancer";
      this.#deps.events.event(service, "Warning", "UnAvailableLoadBalancer", message);
    }
    const {
      ingress,
      warnings,
      ignored = [],
    } = await failing("failed to ensure load balancer", () => cloud.ensure(key, service, nodeNames, signal));
    this.#balanced.set(key, { service, nodes: nodeNames.join() });
    for (const warning of warnings)
      this.#deps.events.event(service, "Warning", "LoadBalancerPortReplaced", warning);
    for (const message of ignored)
      this.#deps.events.event(service, "Warning", "LoadBalancerAnnotationIgnored", message);
    this.#tell(service, "EnsuredLoadBalancer", "Ensured load balancer");
    await this.#patchStatus(service, ingress);
  }

  /** The Service no longer wants its balancer, or is going. */
  async #cleanUp(key: ObjectKey, service: CachedService, cloud: CloudLoadBalancers): Promise<void> {
    await this.#delete(key, service, cloud);
    const finalizers = (service.metadata.finalizers ?? []).filter((name) => name !== CLEANUP_FINALIZER);
    if (hasFinalizer(service)) await this.#patchFinalizers(service, finalizers);
    this.#balanced.delete(key);
    this.#tell(service, "DeletedLoadBalancer", "Deleted load balancer");
    await this.#patchStatus(service, []);
  }

  /** The Service of this balancer is gone, perhaps with another of its name in its place. */
  async #forget(key: ObjectKey, { service }: Balanced, cloud: CloudLoadBalancers): Promise<void> {
    await this.#delete(key, service, cloud);
    this.#balanced.delete(key);
    this.#tell(service, "DeletedLoadBalancer", "Deleted load balancer");
  }

  async #delete(key: ObjectKey, service: CachedService, cloud: CloudLoadBalancers): Promise<void> {
    if (!cloud.has(key)) return;
    this.#tell(service, "DeletingLoadBalancer", "Deleting load balancer");
    await failing("failed to delete load balancer", () => cloud.delete(key));
  }

  async #patchFinalizers({ metadata }: CachedService, finalizers: readonly string[]): Promise<void> {
    const body = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers } };
    try {
      const stored = await this.#deps.client.patch(services, at(metadata), { type: "merge", body });
      // Seen as a deletion by the watch, when this was the last finalizer.
      if (!stored.metadata.deletionTimestamp) this.#services.observe(stored);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  async #patchStatus({ metadata, status }: CachedService, ingress: LoadBalancerIngress[]): Promise<void> {
    if (deepEqual(status?.loadBalancer?.ingress ?? [], ingress)) return;
    const body = { status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } } };
    const options = { subresource: "status" } as const;
    try {
      await this.#deps.client.patch(services, at(metadata), { type: "merge", body }, options);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  #nodeNames(): string[] {
    return this.#nodes
      .list()
      .filter(isBalancedTo)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  #tell(service: CachedService, reason: string, message: string): void {
    this.#deps.events.event(service, "Normal", reason, message);
  }
}

const at = ({ namespace, name }: CachedService["metadata"]) => ({ namespace: namespace ?? "", name });

async function failing<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (err) {
    throw new Error(`${what}: ${err instanceof Error ? err.message : String(err)}`, { cause: err });
  }
}

import { toTime } from "../../machinery/api/clock.js";
import type { Condition, DeepReadonly } from "../../machinery/api/meta-v1.js";
import {
  type IPAddress,
  ipAddresses,
  SERVICE_CIDR_FINALIZER,
  type ServiceCIDR,
  serviceCIDRs,
} from "../../machinery/api/networking-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { type CachedCidr, canDelete, cidrsWith, overlapping } from "./orphans.js";

/** Until then an API server may not have seen that the range is going away, and give out an address of it. */
const DELETION_GRACE_MS = 10_000;

const namesOf = (cidrs: readonly CachedCidr[]): string[] => cidrs.map(({ metadata }) => metadata.name);

/** Says that ranges of Service addresses are ready, and keeps one that is deleted while its addresses are in use (KEP-1880). */
export const serviceCidrController = defineController({
  name: "service-cidr",
  component: "service-cidr-controller",
  for: serviceCIDRs,
  watches: [
    enqueueMapped(ipAddresses, (address, deps) =>
      namesOf(cidrsWith(address, deps.informer(serviceCIDRs).list())),
    ),
    enqueueMapped(
      serviceCIDRs,
      (cidr, deps) => namesOf(overlapping(cidr, deps.informer(serviceCIDRs).list())),
      () => false,
    ),
  ],
  reconciler: (deps) => new ServiceCidrReconciler(deps),
});

class ServiceCidrReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #cidrs: Informer<ServiceCIDR>;
  readonly #addresses: Informer<IPAddress>;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#cidrs = deps.informer(serviceCIDRs);
    this.#addresses = deps.informer(ipAddresses);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const cidr = this.#cidrs.get(key);
    if (!cidr) return undefined;
    const deletedAt = cidr.metadata.deletionTimestamp;
    if (deletedAt === undefined) return this.#keepReady(cidr);
    if (!canDelete(cidr, this.#cidrs.list(), this.#addresses.list())) {
      await this.#setReady(cidr, {
        status: "False",
        reason: "Terminating",
        message:
          "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
      });
      return undefined;
    }
    const leftMs = Date.parse(deletedAt) + DELETION_GRACE_MS - this.#deps.clock.nowMs();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await this.#setFinalizers(
      cidr,
      (cidr.metadata.finalizers ?? []).filter((name) => name !== SERVICE_CIDR_FINALIZER),
    );
    return undefined;
  }

  async #keepReady(cidr: CachedCidr): Promise<ReconcileResult> {
    const { finalizers = [] } = cidr.metadata;
    if (!finalizers.includes(SERVICE_CIDR_FINALIZER))
      await this.#setFinalizers(cidr, [...finalizers, SERVICE_CIDR_FINALIZER]);
    await this.#setReady(cidr, { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" });
    return undefined;
  }

  async #setFinalizers({ metadata }: CachedCidr, finalizers: readonly string[]): Promise<void> {
    const { resourceVersion } = metadata;
    const body = { metadata: { resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } };
    await this.#deps.client
      .patch(serviceCIDRs, metadata as ServiceCIDR["metadata"], { type: "merge", body })
      .catch(ignoreNotFound);
  }

  async #setReady(cidr: CachedCidr, said: Pick<Condition, "status" | "reason" | "message">): Promise<void> {
    const current: DeepReadonly<Condition> | undefined = cidr.status.conditions?.find(
      ({ type }) => type === "Ready",
    );
    if (current?.status === said.status && current.message === said.message) return;
    const lastTransitionTime = toTime(this.#deps.clock.nowMs());
    const body = { status: { conditions: [{ type: "Ready", ...said, lastTransitionTime }] } };
    await this.#deps.client
      .patch(
        serviceCIDRs,
        cidr.metadata as ServiceCIDR["metadata"],
        { type: "strategic", body },
        { subresource: "status" },
      )
      .catch(ignoreNotFound);
  }
}

function ignoreNotFound(err: unknown): void {
  if (!isNotFound(err)) throw err;
}

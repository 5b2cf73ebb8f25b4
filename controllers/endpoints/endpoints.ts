import {
  endpoints,
  type Endpoints,
  type EndpointSubset,
  type Service,
  services,
} from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { DeepReadonly, KubeObject } from "../../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey, splitObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { isNamespaceTerminating, messageOf } from "../error-message.js";
import {
  type CachedService,
  enqueueServicesOfPod,
  HEADLESS_LABEL,
  isHeadless,
  ServicePods,
  TRIGGER_TIME_ANNOTATION,
} from "../service-pods.js";
import { LastWritten } from "../last-written.js";
import { Pacer } from "../pacer.js";
import { PerPod } from "../per-pod.js";
import { TriggerTimes } from "../trigger-time.js";
import { type Candidate, desiredSubsets, truncateSubsets } from "./subsets.js";

export const ENDPOINTS_MANAGED_BY_LABEL = "endpoints.kubernetes.io/managed-by";
/** Every write carries all addresses (upstream is held back by its client's 20 requests a second). */
const PACE = { smallCount: 50, msPerItem: 1 };
const OVER_CAPACITY_ANNOTATION = "endpoints.kubernetes.io/over-capacity";

export const endpointsController = defineController({
  name: "endpoints",
  component: "endpoint-controller",
  for: services,
  watches: [enqueueServicesOfPod()],
  reconciler: (deps) => new EndpointsReconciler(deps),
});

class EndpointsReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #services: Informer<Service>;
  readonly #endpoints: Informer<Endpoints>;
  readonly #servicePods: ServicePods;
  readonly #triggerTimes = new TriggerTimes();
  readonly #candidates = new PerPod<Candidate | undefined>();
  readonly #written: LastWritten<EndpointSubset[]>;
  readonly #pacer: Pacer;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#services = deps.informer(services);
    this.#endpoints = deps.informer(endpoints);
    this.#servicePods = new ServicePods(deps);
    this.#pacer = new Pacer(deps.clock, PACE);
    this.#written = new LastWritten(this.#endpoints as unknown as Informer<KubeObject>, (object) => {
      if (isManaged(object)) deps.enqueue(objectKey(object));
    });
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const service = this.#services.get(key);
    if (!service) return this.#removeLeftover(key);
    if (service.spec.type === "ExternalName" || !service.spec.selector) return undefined;
    const waitMs = this.#pacer.waitMs(key);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const pods = this.#servicePods.podsOf(service);
    // Also when nothing will be written: the next change must not be told as this one's.
    const triggerTime = this.#triggerTimes.compute(key, service, pods);
    const current = this.#endpoints.get(key);
    const next = desiredEndpoints(
      service,
      current,
      truncateSubsets(desiredSubsets(service, pods, this.#candidates)),
    );
    if (current && sameEndpoints(current, next, this.#written.of(current))) return undefined;
    if (triggerTime) {
      next.metadata.annotations = { ...next.metadata.annotations, [TRIGGER_TIME_ANNOTATION]: triggerTime };
    }
    await this.#write(service, current, next);
    this.#pacer.worked(key, addressCount(next));
    return undefined;
  }

  /** Endpoints carry no owner reference: whoever made them takes them away with the service. */
  async #removeLeftover(key: ObjectKey): Promise<undefined> {
    this.#triggerTimes.forget(key);
    this.#pacer.forget(key);
    if (!this.#endpoints.get(key)) return undefined;
    const { namespace, name } = splitObjectKey(key);
    try {
      await this.#deps.client.delete(endpoints, { namespace, name });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return undefined;
  }

  async #write(
    service: CachedService,
    current: DeepReadonly<Endpoints> | undefined,
    next: Endpoints,
  ): Promise<void> {
    const { client, events } = this.#deps;
    try {
      const written = current ? await client.update(endpoints, next) : await client.create(endpoints, next);
      this.#written.remember(written, next.subsets ?? []);
      this.#endpoints.observe(written);
    } catch (err) {
      if (isNamespaceTerminating(err)) return;
      const verb = current ? "update" : "create";
      const reason = current ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint";
      const message = `Failed to ${verb} endpoint ${objectKey(service)}: ${messageOf(err)}`;
      events.event(current ?? service, "Warning", reason, message);
      throw err;
    }
  }
}

/** Objects without a service, made by hand, stay as they are. */
function isManaged({ metadata }: DeepReadonly<KubeObject>): boolean {
  return metadata.labels?.[ENDPOINTS_MANAGED_BY_LABEL] === "endpoint-controller";
}

function desiredEndpoints(
  service: CachedService,
  current: DeepReadonly<Endpoints> | undefined,
  { subsets, truncated }: ReturnType<typeof truncateSubsets>,
): Endpoints {
  const { [HEADLESS_LABEL]: _headless, ...own } = service.metadata.labels ?? {};
  const {
    [TRIGGER_TIME_ANNOTATION]: _time,
    [OVER_CAPACITY_ANNOTATION]: _over,
    ...annotations
  } = current?.metadata.annotations ?? {};
  return {
    ...(current ?? { apiVersion: "v1", kind: "Endpoints" }),
    metadata: {
      ...(current?.metadata ?? { namespace: service.metadata.namespace, name: service.metadata.name }),
      labels: {
        ...own,
        ...(isHeadless(service) ? { [HEADLESS_LABEL]: "" } : {}),
        [ENDPOINTS_MANAGED_BY_LABEL]: "endpoint-controller",
      },
      annotations: { ...annotations, ...(truncated ? { [OVER_CAPACITY_ANNOTATION]: "truncated" } : {}) },
    },
    subsets,
  } as Endpoints;
}

const addressCount = ({ subsets = [] }: Endpoints): number =>
  subsets.reduce(
    (sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length,
    0,
  );

const sameEndpoints = (
  current: DeepReadonly<Endpoints>,
  next: Endpoints,
  written: readonly EndpointSubset[] | undefined,
): boolean =>
  deepEqual(written ?? current.subsets ?? [], next.subsets ?? []) &&
  deepEqual(current.metadata.labels ?? {}, next.metadata.labels ?? {}) &&
  current.metadata.annotations?.[OVER_CAPACITY_ANNOTATION] ===
    next.metadata.annotations?.[OVER_CAPACITY_ANNOTATION];

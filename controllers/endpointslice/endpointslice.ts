import { type Node, nodes, type Service, services } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import {
  type Endpoint,
  type EndpointSlice,
  endpointSlices,
  MANAGED_BY_LABEL,
  SERVICE_NAME_LABEL,
} from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly, KubeObject } from "../../machinery/api/meta-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { isNamespaceTerminating, messageOf } from "../error-message.js";
import { LastWritten } from "../last-written.js";
import { isControlledBy, newControllerRef } from "../owner.js";
import { Pacer } from "../pacer.js";
import { PerPod } from "../per-pod.js";
import {
  type CachedService,
  enqueueServicesOfNode,
  enqueueServicesOfPod,
  ServicePods,
  TRIGGER_TIME_ANNOTATION,
} from "../service-pods.js";
import { TriggerTimes } from "../trigger-time.js";
import { addressTypesOf, desiredGroups, MANAGED_BY, type PodEndpoint, sliceLabels } from "./desired.js";
import { TopologyHints, wantsTopologyHints } from "./topology-hints.js";
import { ZoneCpu } from "./zone-cpu.js";
import { type CachedSlice, type NewSlice, planSlices, type SlicePlan } from "./plan.js";

export const endpointSliceController = defineController({
  name: "endpointslice",
  component: "endpoint-slice-controller",
  for: services,
  watches: [enqueueServicesOfPod(), enqueueServicesOfNode()],
  reconciler: (deps) => new EndpointSliceReconciler(deps),
});

/** Five milliseconds for a thousand pods: less than a write takes. */
const PACE = { smallCount: 200, msPerItem: 0.005 };

class EndpointSliceReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #nodes: Informer<Node>;
  readonly #servicePods: ServicePods;
  readonly #triggerTimes = new TriggerTimes();
  readonly #pacer: Pacer;
  readonly #podEndpoints = new PerPod<PodEndpoint[]>();
  readonly #written: LastWritten<Endpoint[]>;
  readonly #zoneCpu = new ZoneCpu();
  readonly #hints = new TopologyHints(() => this.#zoneCpu.ratios);

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#services = deps.informer(services);
    this.#slices = deps.informer(endpointSlices);
    this.#nodes = deps.informer(nodes);
    this.#servicePods = new ServicePods(deps);
    this.#pacer = new Pacer(deps.clock, PACE);
    this.#slices.addIndex(BY_SERVICE, keyOfOwner);
    // A slice that somebody else changed or deleted is put right.
    this.#written = new LastWritten(this.#slices as unknown as Informer<KubeObject>, (slice) => {
      for (const key of keyOfOwner(slice)) deps.enqueue(key);
    });
    this.#watchZones();
  }

  /** Services with topology hints that the nodes no longer allow are looked at again. */
  #watchZones(): void {
    const lookAgain = (changed: boolean): void => {
      if (changed) for (const key of this.#hints.overloaded()) this.#deps.enqueue(key);
    };
    this.#nodes.onChange({
      added: (node) => lookAgain(this.#zoneCpu.set(node)),
      updated: (_old, node) => lookAgain(this.#zoneCpu.set(node)),
      deleted: (node) => lookAgain(this.#zoneCpu.remove(node.metadata.name)),
    });
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const service = this.#services.get(key);
    if (!service) {
      // Its slices go with it: the garbage collector follows their owner reference.
      this.#triggerTimes.forget(key);
      this.#pacer.forget(key);
      this.#hints.forget(key);
      return undefined;
    }
    if (service.spec.type === "ExternalName" || !service.spec.selector) return undefined;
    const waitMs = this.#pacer.waitMs(key);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const pods = this.#servicePods.podsOf(service);
    const labels = sliceLabels(service);
    const triggerTime = this.#triggerTimes.compute(key, service, pods);
    const all = this.#existing(key);
    const existing = all.filter((slice) => isControlledBy(slice, service));
    const plan = planSlices({
      existing,
      groups: desiredGroups(service, pods, (name) => this.#nodes.get(name), this.#podEndpoints),
      addressTypes: addressTypesOf(service),
      isCurrent: (slice) => deepEqual(slice.metadata.labels ?? {}, labels),
      ...(wantsTopologyHints(service) ? { isSame: sameButForHints } : {}),
    });
    // Those of an earlier service of this name; the garbage collector is after them too.
    plan.remove.push(...all.filter((slice) => !existing.includes(slice)));
    this.#addHints(key, service, plan, existing);
    await this.#carryOut(plan, service, labels, triggerTime);
    this.#pacer.worked(key, pods.length);
    return undefined;
  }

  #addHints(key: ObjectKey, service: CachedService, plan: SlicePlan, existing: readonly CachedSlice[]): void {
    const wanted = wantsTopologyHints(service) ? addressTypesOf(service) : [];
    for (const addressType of ["IPv4", "IPv6"] as const) {
      const events = wanted.includes(addressType)
        ? this.#hints.add(key, addressType, plan, existing)
        : this.#hints.drop(key, addressType);
      for (const { type, reason, message } of events) this.#deps.events.event(service, type, reason, message);
    }
  }

  #existing(key: ObjectKey): CachedSlice[] {
    return this.#slices
      .byIndex(BY_SERVICE, key)
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map((slice) => {
        const endpoints = this.#written.of(slice);
        return endpoints ? { ...slice, endpoints } : slice;
      });
  }

  #remember(stored: EndpointSlice, content: NewSlice): void {
    this.#written.remember(stored, content.endpoints);
    this.#slices.observe(stored);
  }

  async #carryOut(
    plan: SlicePlan,
    service: CachedService,
    labels: Record<string, string>,
    triggerTime: string | undefined,
  ): Promise<void> {
    try {
      // The slices of a service that is going are the garbage collector's.
      const create = service.metadata.deletionTimestamp ? [] : plan.create;
      for (const content of create) await this.#create(service, labels, content, triggerTime);
      for (const { slice, content } of plan.update) {
        await this.#update(service, labels, slice, content, triggerTime);
      }
      for (const slice of plan.remove) await this.#remove(slice);
    } catch (err) {
      if (isNamespaceTerminating(err)) return;
      const message = `Error updating Endpoint Slices for Service ${keyOfService(service)}: ${messageOf(err)}`;
      this.#deps.events.event(service, "Warning", "FailedToUpdateEndpointSlices", message);
      throw err;
    }
  }

  async #create(
    service: CachedService,
    labels: Record<string, string>,
    content: NewSlice,
    triggerTime: string | undefined,
  ): Promise<void> {
    const slice = await this.#deps.client.create(endpointSlices, {
      metadata: {
        namespace: service.metadata.namespace ?? "",
        generateName: `${service.metadata.name}-`,
        labels,
        ...(triggerTime ? { annotations: { [TRIGGER_TIME_ANNOTATION]: triggerTime } } : {}),
        ownerReferences: [newControllerRef(service, services)],
      },
      ...content,
    });
    this.#remember(slice, content);
  }

  async #update(
    service: CachedService,
    labels: Record<string, string>,
    slice: CachedSlice,
    content: NewSlice,
    triggerTime: string | undefined,
  ): Promise<void> {
    const { [TRIGGER_TIME_ANNOTATION]: _last, ...annotations } = slice.metadata.annotations ?? {};
    const updated = {
      ...slice,
      ...content,
      metadata: {
        ...slice.metadata,
        labels,
        annotations: triggerTime ? { ...annotations, [TRIGGER_TIME_ANNOTATION]: triggerTime } : annotations,
        ownerReferences: [newControllerRef(service, services)],
      },
    } as EndpointSlice;
    this.#remember(await this.#deps.client.update(endpointSlices, updated), content);
  }

  async #remove(slice: CachedSlice): Promise<void> {
    try {
      await this.#deps.client.delete(endpointSlices, slice.metadata);
      this.#slices.observeDeleted(slice);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}

const BY_SERVICE = "service";

const sameButForHints = (
  { hints: _present, ...present }: DeepReadonly<Endpoint>,
  { hints: _desired, ...desired }: Endpoint,
): boolean => deepEqual(present, desired);

/** The service of a slice that this controller manages; others' slices are none of its business. */
function keyOfOwner(slice: DeepReadonly<KubeObject>): ObjectKey[] {
  const { labels, namespace } = slice.metadata;
  const service = labels?.[SERVICE_NAME_LABEL];
  return service && labels?.[MANAGED_BY_LABEL] === MANAGED_BY ? [`${namespace}/${service}`] : [];
}

const keyOfService = ({ metadata }: CachedService): ObjectKey => `${metadata.namespace}/${metadata.name}`;

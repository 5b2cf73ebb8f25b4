import { endpoints, type Endpoints, type Service, services } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import {
  type EndpointSlice,
  endpointSlices,
  MANAGED_BY_LABEL,
  SERVICE_NAME_LABEL,
} from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { CachedSlice, NewSlice } from "../endpointslice/plan.js";
import { isNamespaceTerminating } from "../error-message.js";
import { newControllerRef } from "../owner.js";
import type { ReconcileResult } from "../workers.js";
import {
  MAX_PER_SUBSET,
  type Mirrored,
  MIRRORING_MANAGED_BY,
  mirrored,
  mirroredAnnotations,
  mirroredLabels,
  planMirror,
  shouldMirror,
} from "./mirror.js";

/** Keeps slices equal to Endpoints that were written by hand, for services without a selector. */
export const endpointSliceMirroringController = defineController({
  name: "endpointslicemirroring",
  component: "endpoint-slice-mirroring-controller",
  for: endpoints,
  watches: [
    enqueueMapped(services, (service) => [objectKey(service)]),
    enqueueMapped(endpointSlices, mirroredKey),
  ],
  reconciler: (deps) => new MirroringReconciler(deps),
});

const BY_MIRRORED = "mirrored";

function mirroredKey({ metadata }: DeepReadonly<EndpointSlice>): ObjectKey[] {
  const name = metadata.labels?.[SERVICE_NAME_LABEL];
  return name && metadata.labels?.[MANAGED_BY_LABEL] === MIRRORING_MANAGED_BY
    ? [`${metadata.namespace}/${name}`]
    : [];
}

const mirroredMetadata = (source: DeepReadonly<Endpoints>) => ({
  labels: mirroredLabels(source),
  annotations: mirroredAnnotations(source),
  ownerReferences: [newControllerRef(source, endpoints)],
});

class MirroringReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #endpoints: Informer<Endpoints>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#endpoints = deps.informer(endpoints);
    this.#services = deps.informer(services);
    this.#slices = deps.informer(endpointSlices);
    this.#slices.addIndex(BY_MIRRORED, mirroredKey);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const source = this.#endpoints.get(key);
    const existing = this.#slices
      .byIndex(BY_MIRRORED, key)
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    if (!source || !shouldMirror(source, this.#services.get(key))) {
      for (const slice of existing) await this.#remove(slice);
      return undefined;
    }
    const labels = mirroredLabels(source);
    const annotations = mirroredAnnotations(source);
    const { groups, ...skipped } = mirrored(source);
    this.#tellSkipped(source, skipped);
    const plan = planMirror(
      groups,
      existing,
      ({ metadata }) =>
        deepEqual(metadata.labels ?? {}, labels) && deepEqual(metadata.annotations ?? {}, annotations),
    );
    try {
      const create = source.metadata.deletionTimestamp ? [] : plan.create;
      for (const content of create) await this.#create(source, content);
      for (const { slice, content } of plan.update) await this.#update(source, slice, content);
      for (const slice of plan.remove) await this.#remove(slice);
    } catch (err) {
      if (!isNamespaceTerminating(err)) throw err;
    }
    return undefined;
  }

  #tellSkipped(
    source: DeepReadonly<Endpoints>,
    { invalidCount, skippedCount }: Pick<Mirrored, "invalidCount" | "skippedCount">,
  ): void {
    const warn = (reason: string, message: string): void =>
      this.#deps.events.event(source, "Warning", reason, message);
    if (invalidCount > 0)
      warn(
        "InvalidIPAddress",
        `Skipped ${invalidCount} invalid IP addresses when mirroring to EndpointSlices`,
      );
    if (skippedCount > invalidCount) {
      const most = `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset.`;
      warn("TooManyAddressesToMirror", `${most} ${skippedCount} addresses were skipped`);
    }
  }

  async #create(source: DeepReadonly<Endpoints>, content: NewSlice): Promise<void> {
    const slice = await this.#deps.client.create(endpointSlices, {
      metadata: {
        namespace: source.metadata.namespace ?? "",
        generateName: `${source.metadata.name}-`,
        ...mirroredMetadata(source),
      },
      ...content,
    });
    this.#slices.observe(slice);
  }

  async #update(source: DeepReadonly<Endpoints>, slice: CachedSlice, content: NewSlice): Promise<void> {
    const metadata = { ...slice.metadata, ...mirroredMetadata(source) };
    const updated = { ...slice, ...content, metadata } as EndpointSlice;
    this.#slices.observe(await this.#deps.client.update(endpointSlices, updated));
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

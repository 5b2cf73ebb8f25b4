import type { Endpoint } from "../../machinery/api/discovery-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import type { CachedService } from "../service-pods.js";
import type { AddressType } from "./desired.js";
import type { CachedSlice, SlicePlan } from "./plan.js";
import {
  add,
  type Allocation,
  allocate,
  type CpuRatios,
  isOverloaded,
  redistribute,
  transfers,
  validHints,
  type ZoneCounts,
} from "./topology-allocation.js";

export interface HintEvent {
  type: "Normal" | "Warning";
  reason: "TopologyAwareHintsEnabled" | "TopologyAwareHintsDisabled";
  message: string;
}

/** `service.kubernetes.io/topology-mode: Auto`, or its older name; it overrules spec.trafficDistribution. */
export function wantsTopologyHints({ metadata }: CachedService): boolean {
  const { annotations = {} } = metadata;
  const mode =
    annotations["service.kubernetes.io/topology-aware-hints"] ??
    annotations["service.kubernetes.io/topology-mode"];
  return mode === "Auto" || mode === "auto";
}

// Upstream: staging/src/k8s.io/endpointslice/topologycache/topologycache.go AddHints.
/** Hints in proportion to the zones' CPU, and which services have them. */
export class TopologyHints {
  readonly #ratios: () => CpuRatios;
  readonly #hinted = new Map<ObjectKey, Map<AddressType, ZoneCounts>>();

  constructor(ratios: () => CpuRatios) {
    this.#ratios = ratios;
  }

  /** Services that have hints which the nodes of now no longer allow. */
  overloaded(): ObjectKey[] {
    const ratios = this.#ratios();
    return [...this.#hinted]
      .filter(([, byType]) => [...byType.values()].some((counts) => isOverloaded(counts, ratios)))
      .map(([key]) => key);
  }

  /** Gives hints to one address type of a plan; slices whose hints have become wrong are written too. */
  add(
    key: ObjectKey,
    addressType: AddressType,
    plan: SlicePlan,
    existing: readonly CachedSlice[],
  ): HintEvent[] {
    const unchanged = unchangedSlices(addressType, plan, existing);
    const contents = contentsOf(addressType, plan);
    const total = [...contents, ...unchanged].reduce(
      (sum, slice) => sum + readyCount(slice.endpoints ?? []),
      0,
    );
    const allocations = this.#allocate(total);
    if (typeof allocations === "string") return this.#disable(key, addressType, plan, existing, allocations);
    const counts: ZoneCounts = new Map();
    for (const slice of unchanged) {
      const valid = validHints(slice.endpoints ?? [], counts, allocations);
      if (valid) for (const [zone, count] of valid) add(counts, zone, count);
      else contents.push(moveToUpdates(slice, plan));
    }
    if (!hintOwnZones(contents, counts)) return this.#disable(key, addressType, plan, existing, NO_ZONE);
    const endpoints = contents.flatMap((content) => content.endpoints);
    redistribute(endpoints, transfers(allocations, counts), counts);
    if (counts.size === 0) return this.#disable(key, addressType, plan, existing, NO_HINTS);
    return this.#remember(key, addressType, counts);
  }

  /** The service does not want them any more, or not for this address type; then the plan has none. */
  drop(key: ObjectKey, addressType: AddressType): HintEvent[] {
    const byType = this.#hinted.get(key);
    if (!byType?.delete(addressType)) return [];
    if (byType.size === 0) this.#hinted.delete(key);
    return [disabled("Topology Aware Hints has been disabled", addressType)];
  }

  forget(key: ObjectKey): void {
    this.#hinted.delete(key);
  }

  #allocate(endpointCount: number): Map<string, Allocation> | string {
    const ratios = this.#ratios();
    if (ratios.size === 0)
      return "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
    const counts = `(${endpointCount} endpoints, ${ratios.size} zones)`;
    if (ratios.size > endpointCount) return `Insufficient number of endpoints ${counts}`;
    return (
      allocate(ratios, endpointCount) ??
      `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}`
    );
  }

  #disable(
    key: ObjectKey,
    addressType: AddressType,
    plan: SlicePlan,
    existing: readonly CachedSlice[],
    why: string,
  ): HintEvent[] {
    this.drop(key, addressType);
    for (const slice of unchangedSlices(addressType, plan, existing))
      if (slice.endpoints?.some(({ hints }) => hints)) moveToUpdates(slice, plan);
    for (const content of contentsOf(addressType, plan))
      content.endpoints = content.endpoints.map(withoutHints);
    return [disabled(why, addressType)];
  }

  #remember(key: ObjectKey, addressType: AddressType, counts: ZoneCounts): HintEvent[] {
    const byType = this.#hinted.get(key);
    this.#hinted.set(key, new Map([...(byType ?? []), [addressType, counts]]));
    if (byType) return [];
    const message = `Topology Aware Hints has been enabled, addressType: ${addressType}`;
    return [{ type: "Normal", reason: "TopologyAwareHintsEnabled", message }];
  }
}

const disabled = (why: string, addressType: AddressType): HintEvent => ({
  type: "Warning",
  reason: "TopologyAwareHintsDisabled",
  message: `${why}, addressType: ${addressType}`,
});

const NO_ZONE = "One or more endpoints do not have a zone specified";
const NO_HINTS = "No hints allocated for zones";

/** To begin with, every endpoint is for its own zone. False when one has no zone. */
function hintOwnZones(contents: { endpoints: Endpoint[] }[], counts: ZoneCounts): boolean {
  for (const content of contents) {
    content.endpoints = content.endpoints.map(withoutHints);
    for (const endpoint of content.endpoints) {
      if (!endpoint.conditions?.ready) continue;
      if (!endpoint.zone) return false;
      add(counts, endpoint.zone, 1);
      endpoint.hints = { forZones: [{ name: endpoint.zone }] };
    }
  }
  return true;
}

const contentsOf = (addressType: AddressType, plan: SlicePlan) =>
  [...plan.create, ...plan.update.map(({ content }) => content)].filter(
    (content) => content.addressType === addressType,
  );

const unchangedSlices = (
  addressType: AddressType,
  plan: SlicePlan,
  existing: readonly CachedSlice[],
): CachedSlice[] => {
  const touched = new Set([...plan.remove, ...plan.update.map(({ slice }) => slice)]);
  return existing.filter((slice) => slice.addressType === addressType && !touched.has(slice));
};

function moveToUpdates(slice: CachedSlice, plan: SlicePlan): SlicePlan["create"][number] {
  const content = {
    addressType: slice.addressType,
    ports: [...(slice.ports ?? [])],
    endpoints: (slice.endpoints ?? []).map((endpoint) => withoutHints(endpoint as Endpoint)),
  };
  plan.update.push({ slice, content });
  return content;
}

/** A copy: endpoints are shared with what was planned before. */
function withoutHints({ hints: _hints, ...endpoint }: Endpoint): Endpoint {
  return endpoint;
}

const readyCount = (endpoints: readonly { readonly conditions?: { readonly ready?: boolean } }[]): number =>
  endpoints.filter(({ conditions }) => conditions?.ready).length;

import type { Endpoint, EndpointSlice, EndpointSlicePort } from "../../machinery/api/discovery-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type AddressType, type PortGroup, portGroupKey } from "./desired.js";

/** --max-endpoints-per-slice. */
export const MAX_ENDPOINTS_PER_SLICE = 100;

export type CachedSlice = DeepReadonly<EndpointSlice>;

export interface NewSlice {
  addressType: AddressType;
  ports: EndpointSlicePort[];
  endpoints: Endpoint[];
}
export interface SlicePlan {
  create: NewSlice[];
  update: { slice: CachedSlice; content: NewSlice }[];
  remove: CachedSlice[];
}

interface Filling {
  slice: CachedSlice;
  endpoints: Endpoint[];
  changed: boolean;
}

// Upstream: staging/src/k8s.io/endpointslice/reconciler.go reconcileByPortMapping, finalize.
/**
 * Few writes that make the slices hold what is desired: endpoints stay in the slice where they are; new ones fill slices
 * that are written anyway, the fullest first, then new slices; what would not fill one goes to the fullest other slice that
 * has room for all of it, else to a last new one. Slices are never packed anew for the sake of packing.
 */
export function planSlices(options: {
  existing: readonly CachedSlice[];
  groups: readonly PortGroup[];
  addressTypes: readonly AddressType[];
  /** Whether a slice's labels are as they should be. */
  isCurrent: (slice: CachedSlice) => boolean;
  /** Whether an endpoint need not be written. Default: when it is the same in all. */
  isSame?: (present: DeepReadonly<Endpoint>, desired: Endpoint) => boolean;
}): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const byGroup = new Map<string, CachedSlice[]>();
  for (const slice of options.existing) {
    const key = portGroupKey(slice.addressType, slice.ports ?? []);
    byGroup.set(key, [...(byGroup.get(key) ?? []), slice]);
  }
  for (const group of options.groups) {
    planGroup(group, byGroup.get(group.key) ?? [], options, plan);
    byGroup.delete(group.key);
  }
  for (const slices of byGroup.values()) plan.remove.push(...slices);
  for (const addressType of options.addressTypes) keepPlaceholder(addressType, options, plan);
  return reuseRemoved(plan);
}

interface Comparison {
  isCurrent: (slice: CachedSlice) => boolean;
  isSame?: (present: DeepReadonly<Endpoint>, desired: Endpoint) => boolean;
}

function planGroup(
  group: PortGroup,
  slices: readonly CachedSlice[],
  comparison: Comparison,
  plan: SlicePlan,
): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const fillings = slices.map((slice) => keepWanted(slice, wanted, comparison));
  const rest = [...wanted.values()];
  const kept = fillings.filter(({ endpoints }) => endpoints.length > 0).sort(fullestFirst);
  for (const filling of kept) if (filling.changed) fill(filling, rest);
  while (rest.length >= MAX_ENDPOINTS_PER_SLICE)
    plan.create.push(contentOf(group, rest.splice(0, MAX_ENDPOINTS_PER_SLICE)));
  if (rest.length > 0) {
    const roomy = kept.find(({ endpoints }) => endpoints.length + rest.length <= MAX_ENDPOINTS_PER_SLICE);
    if (roomy) fill(roomy, rest);
    else plan.create.push(contentOf(group, rest));
  }
  for (const { slice, endpoints, changed } of fillings) {
    if (endpoints.length === 0) plan.remove.push(slice);
    else if (changed) plan.update.push({ slice, content: contentOf(group, endpoints) });
  }
}

const fullestFirst = (a: Filling, b: Filling): number => b.endpoints.length - a.endpoints.length;

/** The endpoints that stay in a slice, in their present state; takes them out of `wanted`. */
function keepWanted(
  slice: CachedSlice,
  wanted: Map<string, Endpoint>,
  { isCurrent, isSame = deepEqual }: Comparison,
): Filling {
  const endpoints: Endpoint[] = [];
  let changed = !isCurrent(slice);
  for (const present of slice.endpoints ?? []) {
    const id = identityOf(present);
    const desired = wanted.get(id);
    if (desired && endpoints.length < MAX_ENDPOINTS_PER_SLICE) {
      wanted.delete(id);
      endpoints.push(desired);
      changed ||= !isSame(present, desired);
    } else changed = true;
  }
  return { slice, endpoints, changed };
}

function fill(filling: Filling, rest: Endpoint[]): void {
  const room = MAX_ENDPOINTS_PER_SLICE - filling.endpoints.length;
  if (room <= 0 || rest.length === 0) return;
  filling.endpoints.push(...rest.splice(0, room));
  filling.changed = true;
}

/** A service without endpoints still has one empty slice, so that consumers can tell "none" from "not yet". */
function keepPlaceholder(
  addressType: AddressType,
  { existing, isCurrent }: { existing: readonly CachedSlice[]; isCurrent: (slice: CachedSlice) => boolean },
  plan: SlicePlan,
): void {
  const ofType = existing.filter((slice) => slice.addressType === addressType);
  const staying = ofType.filter((slice) => !plan.remove.includes(slice));
  if (staying.length > 0 || plan.create.some((slice) => slice.addressType === addressType)) return;
  const content: NewSlice = { addressType, ports: [], endpoints: [] };
  const placeholder = ofType.find((slice) => !slice.endpoints?.length && !slice.ports?.length);
  if (!placeholder) plan.create.push(content);
  else {
    plan.remove = plan.remove.filter((slice) => slice !== placeholder);
    if (!isCurrent(placeholder)) plan.update.push({ slice: placeholder, content });
  }
}

/** A deletion and a creation become one update. */
export function reuseRemoved(plan: SlicePlan): SlicePlan {
  const create: NewSlice[] = [];
  const remove = [...plan.remove];
  for (const content of plan.create) {
    const i = remove.findIndex((slice) => slice.addressType === content.addressType);
    const [slice] = i < 0 ? [] : remove.splice(i, 1);
    if (slice) plan.update.push({ slice, content });
    else create.push(content);
  }
  return { create, update: plan.update, remove };
}

export const contentOf = (group: PortGroup, endpoints: Endpoint[]): NewSlice => ({
  addressType: group.addressType,
  ports: group.ports,
  endpoints,
});

const identities = new WeakMap<object, string>();

/** The same pod at the same address is the same endpoint, whatever its state. */
function identityOf(endpoint: DeepReadonly<Endpoint>): string {
  let identity = identities.get(endpoint);
  if (identity === undefined) {
    const { targetRef, addresses, nodeName, hostname } = endpoint;
    identity = [targetRef?.uid, addresses.join(","), nodeName, hostname].join("\n");
    identities.set(endpoint, identity);
  }
  return identity;
}

import type { EndpointAddress, EndpointPort, EndpointSubset } from "../../machinery/api/core-v1.js";
import { PerPod } from "../per-pod.js";
import { type CachedPod, isPodReady } from "../pod-state.js";
import {
  belongsInEndpoints,
  type CachedService,
  hostnameIn,
  isHeadless,
  targetPortOf,
} from "../service-pods.js";

/** Endpoints objects hold no more addresses than this. */
export const MAX_ADDRESSES = 1000;

/** What one pod contributes; undefined when nothing. */
export interface Candidate {
  key: string;
  address: EndpointAddress;
  ready: boolean;
  ports: EndpointPort[];
}

// Upstream: pkg/controller/endpoint/endpoints_controller.go syncService, pkg/api/v1/endpoints RepackSubsets.
/** Addresses that offer the same ports share a subset; sorted, so that the same pods always give the same object. */
export function desiredSubsets(
  service: CachedService,
  pods: readonly CachedPod[],
  known = new PerPod<Candidate | undefined>(),
): EndpointSubset[] {
  const subsets = new Map<string, EndpointSubset>();
  for (const pod of pods) {
    const candidate = known.get(pod, service, undefined, () => toCandidate(service, pod));
    if (!candidate) continue;
    const { key } = candidate;
    let subset = subsets.get(key);
    if (!subset) {
      subset = candidate.ports.length > 0 ? { ports: candidate.ports } : {};
      subsets.set(key, subset);
    }
    if (candidate.ready) (subset.addresses ??= []).push(candidate.address);
    else (subset.notReadyAddresses ??= []).push(candidate.address);
  }
  const sorted = [...subsets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, subset]) => subset);
  for (const subset of sorted) {
    subset.addresses?.sort(byIpAndUid);
    subset.notReadyAddresses?.sort(byIpAndUid);
  }
  return sorted;
}

function toCandidate(service: CachedService, pod: CachedPod): Candidate | undefined {
  const tolerate = service.spec.publishNotReadyAddresses === true;
  if (!belongsInEndpoints(pod, tolerate)) return undefined;
  const ip = addressOf(service, pod);
  if (ip === undefined) return undefined;
  const ports = (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name, protocol, appProtocol } = servicePort;
    return [{ ...(name ? { name } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
  // Only a headless service may have addresses without ports.
  if (ports.length === 0 && !(isHeadless(service) && !service.spec.ports?.length)) return undefined;
  return {
    key: JSON.stringify(ports),
    address: toAddress(service, pod, ip),
    ready: tolerate || isPodReady(pod),
    ports,
  };
}

function toAddress(service: CachedService, pod: CachedPod, ip: string): EndpointAddress {
  const hostname = hostnameIn(pod, service);
  return {
    ip,
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: {
      kind: "Pod",
      namespace: pod.metadata.namespace ?? "",
      name: pod.metadata.name,
      uid: pod.metadata.uid,
    },
  };
}

/** Endpoints know one family: the service's first. */
function addressOf(service: CachedService, pod: CachedPod): string | undefined {
  const wantsV6 = service.spec.ipFamilies?.[0] === "IPv6";
  const ips = pod.status.podIPs?.map(({ ip }) => ip) ?? (pod.status.podIP ? [pod.status.podIP] : []);
  return ips.find((ip) => ip.includes(":") === wantsV6);
}

const byIpAndUid = (a: EndpointAddress, b: EndpointAddress): number =>
  a.ip === b.ip ? ((a.targetRef?.uid ?? "") < (b.targetRef?.uid ?? "") ? -1 : 1) : a.ip < b.ip ? -1 : 1;

/**
 * At most 1,000 addresses, ready ones first, taken from the subsets in proportion, rounded up until there is no room
 * (upstream truncateEndpoints). A subset that is left without addresses goes, because the server takes none without.
 */
export function truncateSubsets(subsets: readonly EndpointSubset[]): {
  subsets: EndpointSubset[];
  truncated: boolean;
} {
  const ready = subsets.reduce((sum, subset) => sum + (subset.addresses?.length ?? 0), 0);
  const notReady = subsets.reduce((sum, subset) => sum + (subset.notReadyAddresses?.length ?? 0), 0);
  if (ready + notReady <= MAX_ADDRESSES) return { subsets: [...subsets], truncated: false };
  const cut = ready > MAX_ADDRESSES ? "addresses" : "notReadyAddresses";
  const most = ready > MAX_ADDRESSES ? MAX_ADDRESSES : MAX_ADDRESSES - ready;
  const total = ready > MAX_ADDRESSES ? ready : notReady;
  let room = most;
  const kept = subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const list = cut === "addresses" ? addresses : notReadyAddresses;
    const share = list.slice(0, Math.min(Math.ceil((list.length / total) * most), room));
    room -= share.length;
    return cut === "addresses" ? subsetOf(share, [], ports) : subsetOf(addresses, share, ports);
  });
  return { subsets: kept.filter((s) => s.addresses || s.notReadyAddresses), truncated: true };
}

const subsetOf = (
  addresses: EndpointAddress[],
  notReadyAddresses: EndpointAddress[],
  ports: EndpointPort[] | undefined,
): EndpointSubset => ({
  ...(addresses.length > 0 ? { addresses } : {}),
  ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
  ...(ports ? { ports } : {}),
});

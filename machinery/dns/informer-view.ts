import { namespaces, type Pod, pods, type Service, services } from "../api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import type { DeepReadonly, KubeObject } from "../api/meta-v1.js";
import type { Informer } from "../client/informer.js";
import type { SharedInformers } from "../client/shared-informers.js";
import { canonicalIp } from "../network/addresses.js";
import { type ClusterView, clusterIPsOf, isHeadless } from "./cluster-view.js";

const BY_IP = "dns/ip";
const BY_SERVICE = "dns/service";

export interface InformerViewOptions {
  /** Watches pods as well: only `pods verified` asks for them. */
  watchPods?: boolean;
  /** After each change of a Service or slice; `kind` as CoreDNS's metrics have it. */
  changed?: (change: ProgrammedChange) => void;
}

/** A change that names resolve to from now on. */
export interface ProgrammedChange {
  kind: "cluster_ip" | "headless_with_selector" | "headless_without_selector";
  /** When the pod or Service changed that made it, if its controller says. */
  triggeredAt: string | undefined;
}

const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

/** A ClusterView over watches of its own. */
export function informerView(
  informers: SharedInformers,
  { watchPods = false, changed }: InformerViewOptions = {},
): ClusterView & { hasSynced(): boolean } {
  const namespaceInformer = informers.for(namespaces);
  const serviceInformer = informers.for<Service>(services);
  const sliceInformer = informers.for<EndpointSlice>(endpointSlices);
  const podInformer = watchPods ? informers.for<Pod>(pods) : undefined;
  serviceInformer.addIndex(BY_IP, (service) => clusterIPsOf(service).map(canonicalIp));
  sliceInformer.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);
  sliceInformer.addIndex(BY_IP, (slice) =>
    (slice.endpoints ?? []).flatMap(({ addresses }) => addresses.map(canonicalIp)),
  );
  podInformer?.addIndex(BY_IP, ({ status }) =>
    (status.podIPs ?? (status.podIP ? [{ ip: status.podIP }] : [])).map(({ ip }) => canonicalIp(ip)),
  );
  if (changed) {
    onAnyChange(serviceInformer, () => changed({ kind: "cluster_ip", triggeredAt: undefined }));
    onAnyChange(sliceInformer, (slice) => changed(changeOf(slice, serviceInformer.get(serviceKeyOf(slice)))));
  }
  const watched = [namespaceInformer, serviceInformer, sliceInformer, ...(podInformer ? [podInformer] : [])];
  return {
    hasSynced: () => watched.every((informer) => informer.hasSynced()),
    namespace: (name) => namespaceInformer.get(name),
    service: (namespace, name) => serviceInformer.get(`${namespace}/${name}`),
    serviceByIP: (ip) => serviceInformer.byIndex(BY_IP, ip)[0],
    slices: (namespace, service) => sliceInformer.byIndex(BY_SERVICE, `${namespace}/${service}`),
    slicesByIP: (ip) => sliceInformer.byIndex(BY_IP, ip),
    podsByIP: (ip) => podInformer?.byIndex(BY_IP, ip) ?? [],
  };
}

const serviceKeyOf = (slice: DeepReadonly<EndpointSlice>): string =>
  `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? ""}`;

function onAnyChange<T extends KubeObject>(
  informer: Informer<T>,
  act: (object: DeepReadonly<T>) => void,
): void {
  informer.onChange({ added: act, updated: (_, object) => act(object), deleted: act });
}

function changeOf(
  slice: DeepReadonly<EndpointSlice>,
  service: DeepReadonly<Service> | undefined,
): ProgrammedChange {
  const triggeredAt = slice.metadata.annotations?.[TRIGGER_TIME];
  if (!service || !isHeadless(service)) return { kind: "cluster_ip", triggeredAt: undefined };
  const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
  return { kind: hasSelector ? "headless_with_selector" : "headless_without_selector", triggeredAt };
}

import { namespaces, type Service, services } from "../api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import type { SharedInformers } from "../client/shared-informers.js";
import type { ClusterView } from "./cluster-view.js";

const BY_IP = "dns/ip";
const BY_SERVICE = "dns/service";

/** A ClusterView over watches of its own. */
export function informerView(informers: SharedInformers): ClusterView & { hasSynced(): boolean } {
  const namespaceInformer = informers.for(namespaces);
  const serviceInformer = informers.for<Service>(services);
  const sliceInformer = informers.for<EndpointSlice>(endpointSlices);
  serviceInformer.addIndex(BY_IP, ({ spec }) => spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []));
  sliceInformer.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);
  sliceInformer.addIndex(BY_IP, (slice) => (slice.endpoints ?? []).flatMap(({ addresses }) => addresses));
  return {
    hasSynced: () =>
      namespaceInformer.hasSynced() && serviceInformer.hasSynced() && sliceInformer.hasSynced(),
    namespace: (name) => namespaceInformer.get(name),
    service: (namespace, name) => serviceInformer.get(`${namespace}/${name}`),
    serviceByIP: (ip) => serviceInformer.byIndex(BY_IP, ip)[0],
    slices: (namespace, service) => sliceInformer.byIndex(BY_SERVICE, `${namespace}/${service}`),
    slicesByIP: (ip) => sliceInformer.byIndex(BY_IP, ip),
  };
}

const serviceKeyOf = (slice: DeepReadonly<EndpointSlice>): string =>
  `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? ""}`;

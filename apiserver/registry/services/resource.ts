import { type Service, services } from "../../../machinery/api/core-v1.js";
import { parseCidr } from "../../../machinery/api/ip.js";
import { isDns1035Label } from "../../../machinery/api/names.js";
import { IpAllocator } from "../allocators/ip-allocator.js";
import { PortAllocator } from "../allocators/port-allocator.js";
import { type ServedResource, type Strategy, serve } from "../serve.js";
import type { ProxyDialer } from "../proxy.js";
import { ServiceAllocations } from "./allocations.js";
import { serviceColumns, serviceRow } from "./columns.js";
import { defaultFamilies, defaultService, normalizeClusterIps } from "./defaults.js";
import { serviceProxy } from "./proxy.js";
import { dropTypeDependentFields, patchAllocatedValues } from "./type-change.js";
import { validateService, validateServiceUpdate } from "./validate.js";

export interface ServiceRanges {
  /** Default 10.96.0.0/12. */
  clusterIps: string;
  /** Default 30000 to 32767. */
  nodePorts: { first: number; last: number };
}
export const DEFAULT_RANGES: ServiceRanges = {
  clusterIps: "10.96.0.0/12",
  nodePorts: { first: 30000, last: 32767 },
};
/** Addresses that kubernetes and kube-dns ask for by name. */
const KEPT_IPS = ["10.96.0.1", "10.96.0.10"];

/** Services; their addresses and ports come out of `ranges`, `dial` reaches what is behind them. */
export function serviceResource(
  ranges: ServiceRanges,
  dial: ProxyDialer | undefined,
): ServedResource<Service> {
  const cidr = parseCidr(ranges.clusterIps);
  if (!cidr) throw new Error(`not an IPv4 range: ${ranges.clusterIps}`);
  const { first, last } = ranges.nodePorts;
  const allocations = new ServiceAllocations(new IpAllocator(cidr, KEPT_IPS), new PortAllocator(first, last));
  return serve(services, {
    strategy: serviceStrategy(allocations),
    columns: serviceColumns,
    row: serviceRow,
    selectableFields: ["spec.clusterIP", "spec.type"],
    fieldsOf: ({ spec }) => ({ "spec.clusterIP": spec.clusterIP ?? "", "spec.type": spec.type }),
    subresources: {
      status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
      proxy: serviceProxy(dial),
    },
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
  });
}

const serviceStrategy = (allocations: ServiceAllocations): Strategy<Service> => ({
  defaults: defaultService,
  prepareForCreate(service) {
    delete service.metadata.generation;
    service.status = { loadBalancer: {} };
    normalizeClusterIps(service.spec, undefined);
    defaultFamilies(service.spec);
  },
  prepareForUpdate(service, old) {
    service.status = old.status;
    normalizeClusterIps(service.spec, old.spec);
    dropTypeDependentFields(service, old);
    patchAllocatedValues(service, old);
    defaultFamilies(service.spec);
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateName: isDns1035Label,
  allowCreateOnUpdate: true,
  reserve: (service, old, context) => allocations.reserve(service, old, context),
  afterDelete: (service, { lookup }) => allocations.release(service, lookup),
  returnDeletedObject: true,
});

const statusStrategy: Strategy<Service> = {
  prepareForUpdate(service, old) {
    service.spec = old.spec;
  },
};

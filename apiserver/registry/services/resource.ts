import { type Service, services } from "../../../machinery/api/core-v1.js";
import { isDns1035Label } from "../../../machinery/api/names.js";
import { DEFAULT_SERVICE_CIDRS } from "../../../machinery/api/networking-v1.js";
import type { IpAllocator } from "../allocators/ip-allocator.js";
import type { PortAllocator } from "../allocators/port-allocator.js";
import type { ProxyDialer } from "../proxy.js";
import { type ServedResource, type Strategy, serve } from "../serve.js";
import { ServiceAllocations } from "./allocations.js";
import { serviceColumns, serviceRow } from "./columns.js";
import { defaultService } from "./defaults.js";
import { serviceProxy } from "./proxy.js";
import { dropTypeDependentFields } from "./type-change.js";
import { validateServiceUpdate } from "./validate-update.js";
import { validateService } from "./validate.js";
import { validateServiceStatus } from "./validate-traffic.js";
import { serviceWarnings } from "./warnings.js";

export interface ServiceRanges {
  /** One or two, of different families; the first is the cluster's own. */
  clusterIps: readonly string[];
  nodePorts: { first: number; last: number };
}
export const DEFAULT_RANGES: ServiceRanges = {
  clusterIps: DEFAULT_SERVICE_CIDRS,
  nodePorts: { first: 30000, last: 32767 },
};

/** Services, with what their addresses and ports come out of; `dial` reaches what is behind them. */
export const serviceResource = (
  ips: IpAllocator,
  ports: PortAllocator,
  dial: ProxyDialer | undefined,
): ServedResource<Service> =>
  serve(services, {
    strategy: serviceStrategy(new ServiceAllocations(ips, ports)),
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

const serviceStrategy = (allocations: ServiceAllocations): Strategy<Service> => ({
  defaults: defaultService,
  prepareForCreate(service) {
    delete service.metadata.generation;
    service.status = { loadBalancer: {} };
  },
  prepareForUpdate(service, old) {
    service.status = { ...old.status };
    dropTypeDependentFields(service, old);
  },
  validate: (service) => validateService(service),
  validateUpdate: validateServiceUpdate,
  validateName: isDns1035Label,
  warningsOnCreate: serviceWarnings,
  warningsOnUpdate: serviceWarnings,
  allowCreateOnUpdate: true,
  reserve: (service, old, context) => allocations.reserve(service, old, context),
  removedWith: (service) => allocations.removedWith(service),
  afterDelete: (service, { lookup }) => allocations.release(service, lookup),
  returnDeletedObject: true,
});

const statusStrategy: Strategy<Service> = {
  prepareForUpdate(service, old) {
    service.spec = old.spec;
  },
  validateUpdate: validateServiceStatus,
};

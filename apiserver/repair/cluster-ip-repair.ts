import type { Clock } from "../../machinery/api/clock.js";
import type { Service } from "../../machinery/api/core-v1.js";
import {
  formatIp,
  hasServiceAddress,
  type ReadIp,
  readIp,
  readPrefix,
} from "../../machinery/api/ip-address.js";
import {
  IP_ALLOCATOR,
  IP_FAMILY_LABEL,
  IP_MANAGED_BY_LABEL,
  type IPAddress,
  type ServiceCIDR,
} from "../../machinery/api/networking-v1.js";
import { isAlreadyExists, isNotFound } from "../../machinery/api/status.js";
import { APISERVER_USER } from "../auth/user-info.js";
import type { GenericStore } from "../registry/generic-store.js";
import { newServiceAddress } from "../registry/ipaddresses/allocated.js";
import { clusterIpsOf } from "../registry/services/rules.js";
import type { RepairEvents } from "./repair-events.js";

export interface ClusterIpRepairOptions {
  services: GenericStore<Service>;
  ipAddresses: GenericStore<IPAddress>;
  serviceCIDRs: GenericStore<ServiceCIDR>;
  events: RepairEvents;
  clock: Clock;
}

/** An address may exist this long before its Service does. */
export const ADDRESS_GRACE_MS = 60_000;
const OPTIONS = { user: APISERVER_USER, dryRun: false };

/**
 * Makes each cluster IP have an IPAddress that names its Service, and each such IPAddress a Service that has it. Upstream:
 * ipallocator/controller RepairIPAddress.
 */
export class ClusterIpRepair {
  readonly #options: ClusterIpRepairOptions;

  constructor(options: ClusterIpRepairOptions) {
    this.#options = options;
  }

  async syncService(namespace: string, name: string): Promise<void> {
    const service = this.#options.services.find({ namespace, name });
    if (!service) return;
    for (const ip of clusterIpsOf(service)) await this.#syncClusterIp(service, ip);
  }

  async #syncClusterIp(service: Service, text: string): Promise<void> {
    const ip = readIp(text);
    if (!ip)
      return this.#warn(
        service,
        "ClusterIPNotValid",
        `Cluster IP ${text} is not a valid IP; please recreate Service`,
      );
    const shown = `[${ip.family}]: ${formatIp(ip)}`;
    if (!this.#isInRange(ip))
      return this.#warn(
        service,
        "ClusterIPOutOfRange",
        `Cluster IP ${shown} is not within any configured Service CIDR; please recreate service`,
      );
    const address = this.#options.ipAddresses.find({ name: formatIp(ip) });
    if (!address) {
      await this.#warn(service, "ClusterIPNotAllocated", `Cluster IP ${shown} is not allocated; repairing`);
      return this.#create(formatIp(ip), service);
    }
    await this.#checkReference(service, address, ip);
  }

  async #checkReference(service: Service, address: IPAddress, ip: ReadIp): Promise<void> {
    const { namespace = "", name } = service.metadata;
    const { group = "", resource, ...parent } = address.spec.parentRef;
    const ofServices = group === "" && resource === "services";
    const isOwn = ofServices && parent.namespace === namespace && parent.name === name;
    const other = ofServices && !isOwn ? this.#options.services.find(parent) : undefined;
    if (!isOwn && !other) {
      const message = `the ClusterIP [${ip.family}]: ${formatIp(ip)} for Service ${namespace}/${name} has a wrong reference; repairing`;
      await this.#warn(service, "ClusterIPNotAllocated", message);
      return this.#recreate(address, service);
    }
    if (other?.spec.clusterIPs?.includes(address.metadata.name))
      return this.#warn(
        service,
        "ClusterIPAlreadyAllocated",
        `Cluster IP [${ip.family}]:${formatIp(ip)} was assigned to multiple services; please recreate service`,
      );
    if (!isLabelled(address, ip)) await this.#recreate(address, service);
  }

  /** Only what the allocator made: other addresses are their owners' business. True when it must be looked at again. */
  async syncAddress(name: string): Promise<boolean> {
    const address = this.#options.ipAddresses.find({ name });
    if (address?.metadata.labels?.[IP_MANAGED_BY_LABEL] !== IP_ALLOCATOR) return false;
    const { group = "", resource, namespace = "", name: parent } = address.spec.parentRef;
    if (group !== "" || resource !== "services") {
      const reference = `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${parent},}`;
      await this.#drop(
        address,
        "IPAddressNotAllocated",
        `IPAddress ${name} appears to have been modified, not referencing a Service ${reference}: cleaning up`,
      );
      return false;
    }
    const service = this.#options.services.find({ namespace, name: parent });
    if (!service) return this.#dropLeaked(address, `${namespace}/${parent}`);
    if (!service.spec.clusterIPs?.includes(name))
      await this.#drop(
        address,
        "IPAddressWrongReference",
        `IPAddress: ${name} for Service ${namespace}/${parent} has a wrong reference; cleaning up`,
      );
    return false;
  }

  async #dropLeaked(address: IPAddress, service: string): Promise<boolean> {
    const { name, creationTimestamp } = address.metadata;
    if (this.#options.clock.nowMs() - Date.parse(creationTimestamp) <= ADDRESS_GRACE_MS) return true;
    await this.#drop(
      address,
      "IPAddressNotAllocated",
      `IPAddress: ${name} for Service ${service} appears to have leaked: cleaning up`,
    );
    return false;
  }

  #isInRange(ip: ReadIp): boolean {
    const cidrs = this.#options.serviceCIDRs.list({}).items;
    const { view } = this.#options.serviceCIDRs.core;
    return cidrs.some((item) =>
      view.object(item).spec.cidrs.some((cidr) => {
        const prefix = readPrefix(cidr);
        return prefix !== undefined && hasServiceAddress(prefix, ip);
      }),
    );
  }

  #warn(service: Service, reason: string, message: string): Promise<void> {
    const action = reason === "ClusterIPNotValid" ? "ClusterIPValidation" : "ClusterIPAllocation";
    return this.#options.events.warn(service, { reason, action, message });
  }

  async #create(ip: string, service: Service): Promise<void> {
    const { rng, clock } = this.#options.ipAddresses.core.dependencies;
    try {
      await this.#options.ipAddresses.create(
        newServiceAddress(ip, service.metadata, { rng, clock }),
        OPTIONS,
      );
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
    }
  }

  async #recreate(address: IPAddress, service: Service): Promise<void> {
    await this.#delete(address);
    await this.#create(address.metadata.name, service);
  }

  async #drop(address: IPAddress, reason: string, message: string): Promise<void> {
    await this.#options.events.warn(address, { reason, action: "IPAddressAllocation", message });
    await this.#delete(address);
  }

  async #delete({ metadata: { name } }: IPAddress): Promise<void> {
    try {
      await this.#options.ipAddresses.delete({ name }, {}, OPTIONS);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}

const isLabelled = ({ metadata: { labels = {} } }: IPAddress, { family }: ReadIp): boolean =>
  labels[IP_FAMILY_LABEL] === family && labels[IP_MANAGED_BY_LABEL] === IP_ALLOCATOR;

import { type Service, services } from "../../../machinery/api/core-v1.js";
import { newInvalid } from "../../../machinery/api/field-error.js";
import { canonicalIp } from "../../../machinery/api/ip-address.js";
import type { Companions } from "../../storage/storage.js";
import { AllocationError } from "../allocators/allocation-error.js";
import type { IpAllocator } from "../allocators/ip-allocator.js";
import type { PortAllocator } from "../allocators/port-allocator.js";
import { deletedWith } from "../ipaddresses/allocated.js";
import type { Lookup, Reservation, StrategyContext } from "../serve.js";
import { ClusterIpClaims } from "./cluster-ip-claims.js";
import { normalizeClusterIps } from "./defaults.js";
import { initFamilies } from "./families.js";
import { NodePortClaims } from "./node-port-claims.js";
import { clusterIpsOf, nodePortsOf } from "./rules.js";
import { patchAllocatedValues } from "./type-change.js";

/**
 * Cluster IPs and node ports. An address is taken while it has an IPAddress, written with its Service; ports are learnt from
 * the stored Services on first use and kept up from there.
 */
export class ServiceAllocations {
  readonly #ips: IpAllocator;
  readonly #ports: PortAllocator;
  #loaded = false;

  constructor(ips: IpAllocator, ports: PortAllocator) {
    this.#ips = ips;
    this.#ports = ports;
  }

  /** Fills in what `service` needs beyond what `old` holds. Throws Invalid when it cannot have what it asks for. */
  reserve(service: Service, old: Service | undefined, context: StrategyContext): Reservation {
    this.#load(context.lookup);
    if (old) patchAllocatedValues(service, old);
    normalizeClusterIps(service.spec, old?.spec);
    const errors = initFamilies(service, old, this.#ips.families);
    if (errors.length > 0) throw newInvalid(services, service.metadata.name, errors);
    const ips = new ClusterIpClaims(this.#ips, context);
    const ports = new NodePortClaims(this.#ports, context.rng);
    const rollback = (): void => {
      ips.settle();
      ports.rollback();
    };
    try {
      ips.take(service, old);
      ports.take(service, old);
    } catch (err) {
      rollback();
      throw err;
    }
    return {
      companions: ips.companions(service),
      commit() {
        ips.settle();
        ports.commit(service, old);
      },
      rollback,
    };
  }

  /** The IPAddress objects that go with a Service. */
  removedWith(service: Service): Companions {
    return { created: [], deleted: deletedWith(clusterIpsOf(service).map(canonicalIp)) };
  }

  release(service: Service, lookup: Lookup): void {
    this.#load(lookup);
    for (const port of nodePortsOf(service)) this.#ports.release(port);
  }

  #load(lookup: Lookup): void {
    if (this.#loaded) return;
    this.#loaded = true;
    for (const service of lookup.list(services))
      for (const port of nodePortsOf(service)) tolerate(() => this.#ports.allocate(port));
  }
}

/** A stored Service may lie outside of ranges that were changed since; it keeps what it has. */
function tolerate(allocate: () => void): void {
  try {
    allocate();
  } catch (err) {
    if (!(err instanceof AllocationError)) throw err;
  }
}

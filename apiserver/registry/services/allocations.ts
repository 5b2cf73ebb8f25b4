import { type Service, services } from "../../../machinery/api/core-v1.js";
import { type FieldPath, field, invalid, newInvalid } from "../../../machinery/api/field-error.js";
import { newInternalError, type StatusError } from "../../../machinery/api/status.js";
import type { Rng } from "../../../machinery/api/rng.js";
import { AllocationError, type IpAllocator } from "../allocators/ip-allocator.js";
import type { PortAllocator } from "../allocators/port-allocator.js";
import type { Lookup, Reservation, StrategyContext } from "../serve.js";
import { setClusterIps } from "./defaults.js";
import {
  clusterIpsOf,
  isHeadless,
  mayHaveNodePorts,
  needsClusterIp,
  needsHealthCheckPort,
  nodePortsOf,
  wantsNodePorts,
} from "./rules.js";

/** Which cluster IPs and node ports are taken, learnt from the stored Services on first use and kept up from there. */
export class ServiceAllocations {
  readonly #ips: IpAllocator;
  readonly #ports: PortAllocator;
  #loaded = false;

  constructor(ips: IpAllocator, ports: PortAllocator) {
    this.#ips = ips;
    this.#ports = ports;
  }

  /** Fills in what `service` needs beyond what `old` holds. Throws Invalid when it cannot have what it asks for. */
  reserve(service: Service, old: Service | undefined, { rng, lookup }: StrategyContext): Reservation {
    this.#load(lookup);
    const claims = new Claims(this.#ips, this.#ports, service, old);
    try {
      claims.takeClusterIps(rng);
      claims.takeNodePorts(rng);
      claims.takeHealthCheckPort(rng);
    } catch (err) {
      claims.rollback();
      throw err;
    }
    return claims;
  }

  release(service: Service, lookup: Lookup): void {
    this.#load(lookup);
    for (const ip of clusterIpsOf(service)) this.#ips.release(ip);
    for (const port of nodePortsOf(service)) this.#ports.release(port);
  }

  #load(lookup: Lookup): void {
    if (this.#loaded) return;
    this.#loaded = true;
    for (const service of lookup.list(services)) {
      for (const ip of clusterIpsOf(service)) tolerate(() => this.#ips.allocate(ip));
      for (const port of nodePortsOf(service)) tolerate(() => this.#ports.allocate(port));
    }
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

/** What one write claims. */
class Claims implements Reservation {
  readonly #ips: IpAllocator;
  readonly #ports: PortAllocator;
  readonly #service: Service;
  readonly #heldIps: ReadonlySet<string>;
  readonly #heldPorts: ReadonlySet<number>;
  readonly #newIps: string[] = [];
  readonly #newPorts = new Set<number>();

  constructor(ips: IpAllocator, ports: PortAllocator, service: Service, old: Service | undefined) {
    this.#ips = ips;
    this.#ports = ports;
    this.#service = service;
    this.#heldIps = new Set(old ? clusterIpsOf(old) : []);
    this.#heldPorts = new Set(old ? nodePortsOf(old) : []);
  }

  takeClusterIps(rng: Rng): void {
    const { spec } = this.#service;
    if (!needsClusterIp(spec) || isHeadless(spec)) return;
    const asked = clusterIpsOf(this.#service);
    if (asked.length === 0) {
      const ip = this.#orFull("failed to allocate a serviceIP", () => this.#ips.allocateNext(rng));
      this.#newIps.push(ip);
      setClusterIps(spec, [ip]);
    }
    for (const ip of asked) {
      if (this.#heldIps.has(ip)) continue;
      this.#orInvalid(field("spec", "clusterIPs"), spec.clusterIPs, `failed to allocate IP ${ip}: `, () =>
        this.#ips.allocate(ip),
      );
      this.#newIps.push(ip);
    }
  }

  /** Ports of one number share a node port: TCP and UDP 53 (upstream initNodePorts). */
  takeNodePorts(rng: Rng): void {
    const { spec } = this.#service;
    if (!mayHaveNodePorts(spec)) return;
    const chosen = new Map<number, number>();
    for (const port of spec.ports ?? [])
      if (port.nodePort && !chosen.has(port.port)) chosen.set(port.port, port.nodePort);
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort) {
        if (!wantsNodePorts(spec)) continue;
        port.nodePort =
          chosen.get(port.port) ?? this.#orFull("failed to allocate a nodePort", () => this.#nextPort(rng));
        chosen.set(port.port, port.nodePort);
      }
      this.#takePort(port.nodePort, field("spec", "ports").index(i).child("nodePort"));
    }
  }

  takeHealthCheckPort(rng: Rng): void {
    const { spec } = this.#service;
    if (!needsHealthCheckPort(spec)) return;
    if (spec.healthCheckNodePort)
      this.#takePort(spec.healthCheckNodePort, field("spec", "healthCheckNodePort"));
    else
      spec.healthCheckNodePort = this.#orFull("failed to allocate a HealthCheck NodePort", () =>
        this.#nextPort(rng),
      );
  }

  commit(): void {
    const ips = new Set(clusterIpsOf(this.#service));
    const ports = new Set(nodePortsOf(this.#service));
    for (const ip of this.#heldIps) if (!ips.has(ip)) this.#ips.release(ip);
    for (const port of this.#heldPorts) if (!ports.has(port)) this.#ports.release(port);
  }

  rollback(): void {
    for (const ip of this.#newIps) this.#ips.release(ip);
    for (const port of this.#newPorts) this.#ports.release(port);
  }

  #nextPort(rng: Rng): number {
    const port = this.#ports.allocateNext(rng);
    this.#newPorts.add(port);
    return port;
  }

  #takePort(port: number, at: FieldPath): void {
    if (this.#heldPorts.has(port) || this.#newPorts.has(port)) return;
    this.#orInvalid(at, port, "", () => this.#ports.allocate(port));
    this.#newPorts.add(port);
  }

  #orInvalid(at: FieldPath, value: unknown, prefix: string, allocate: () => void): void {
    try {
      allocate();
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      throw newInvalid(services, this.#service.metadata.name, [invalid(at, value, prefix + err.message)]);
    }
  }

  #orFull<T>(sentence: string, allocate: () => T): T {
    try {
      return allocate();
    } catch (err) {
      throw err instanceof AllocationError ? newFull(sentence, err) : err;
    }
  }
}

const newFull = (sentence: string, err: AllocationError): StatusError =>
  newInternalError(`${sentence}: ${err.message}`);

import { type Service, type ServicePort, services } from "../../../machinery/api/core-v1.js";
import { field, invalid, newInvalid } from "../../../machinery/api/field-error.js";
import type { Rng } from "../../../machinery/api/rng.js";
import { newInternalError } from "../../../machinery/api/status.js";
import { AllocationError } from "../allocators/allocation-error.js";
import type { PortAllocator } from "../allocators/port-allocator.js";
import { newUnknown } from "../store-core.js";
import { mayHaveNodePorts, needsHealthCheckPort, nodePortsOf, wantsNodePorts } from "./rules.js";

/** The node ports that one write takes and gives back (upstream initNodePorts, updateNodePorts). */
export class NodePortClaims {
  readonly #allocator: PortAllocator;
  readonly #rng: Rng;
  readonly #taken: number[] = [];

  constructor(allocator: PortAllocator, rng: Rng) {
    this.#allocator = allocator;
    this.#rng = rng;
  }

  /** Throws Invalid, or InternalError when nothing is left. */
  take(service: Service, old: Service | undefined): void {
    if (mayHaveNodePorts(service.spec)) {
      if (old) this.#takeChanged(service, old);
      else this.#takeNew(service);
    }
    this.#takeHealthCheckPort(service, old);
  }

  /** Ports of one number share a node port: TCP and UDP 53. */
  #takeNew(service: Service): void {
    const chosen = new Map<number, number>();
    const ports = service.spec.ports ?? [];
    for (const [i, port] of ports.entries()) {
      if (!port.nodePort && !wantsNodePorts(service.spec)) continue;
      const shared = chosen.get(port.port);
      if (shared !== undefined) {
        if (!port.nodePort) port.nodePort = shared;
        else if (port.nodePort !== shared) this.#takeAsked(service, i, port.nodePort);
        continue;
      }
      const asked = ports.find((other) => other.port === port.port && other.nodePort)?.nodePort;
      if (asked) this.#takeAsked(service, i, asked);
      port.nodePort = asked ?? this.#takeNext("failed to allocate a nodePort");
      chosen.set(port.port, port.nodePort);
    }
  }

  #takeChanged(service: Service, old: Service): void {
    const held = new Set(nodePortsOf(old));
    const used = new Set<string>();
    for (const [i, port] of (service.spec.ports ?? []).entries()) {
      if (!port.nodePort && !wantsNodePorts(service.spec)) continue;
      if (!port.nodePort) port.nodePort = this.#takeNext("failed to allocate a nodePort");
      else if (!held.has(port.nodePort)) {
        this.#takeAsked(service, i, port.nodePort);
        held.add(port.nodePort);
      }
      const key = nodePortKey(port);
      if (used.has(key)) throw newUnknown(`duplicate nodePort: {${key}}`);
      used.add(key);
    }
  }

  #takeHealthCheckPort({ spec }: Service, old: Service | undefined): void {
    if (!needsHealthCheckPort(spec) || (old && needsHealthCheckPort(old.spec))) return;
    const port = spec.healthCheckNodePort;
    if (!port) {
      spec.healthCheckNodePort = this.#takeNext("failed to allocate a HealthCheck NodePort 0");
      return;
    }
    try {
      this.#take(port);
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      throw newInternalError(`failed to allocate requested HealthCheck NodePort ${port}: ${err.message}`);
    }
  }

  /** Gives back what `old` had and `service` has not. */
  commit(service: Service, old: Service | undefined): void {
    if (!old) return;
    const kept = new Set(nodePortsOf(service));
    for (const port of nodePortsOf(old)) if (!kept.has(port)) this.#allocator.release(port);
  }

  rollback(): void {
    for (const port of this.#taken) this.#allocator.release(port);
  }

  #take(port: number): void {
    this.#allocator.allocate(port);
    this.#taken.push(port);
  }

  #takeAsked(service: Service, index: number, port: number): void {
    try {
      this.#take(port);
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      const at = field("spec", "ports").index(index).child("nodePort");
      throw newInvalid(services, service.metadata.name, [invalid(at, port, err.message)]);
    }
  }

  #takeNext(sentence: string): number {
    try {
      const port = this.#allocator.allocateNext(this.#rng);
      this.#taken.push(port);
      return port;
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      throw newInternalError(`${sentence}: ${err.message}`);
    }
  }
}

const nodePortKey = ({ protocol, nodePort }: ServicePort): string => `${protocol} ${nodePort ?? 0}`;

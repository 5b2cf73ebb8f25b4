import type { Clock } from "../../machinery/api/clock.js";
import type { ServicePort } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { BalancerStatus, CloudLoadBalancers } from "./cloud.js";
import { withoutEffect } from "./cloud-annotations.js";
import type { CachedService } from "./rules.js";

export interface HostCloudOptions {
  clock: Clock;
  /** C of the addresses 127.C.1.n. */
  loopbackIndex: number;
  /** Opens one port of a balancer in the data plane; the first answer is where, the port closes with the stream. */
  lease: (query: URLSearchParams, signal: AbortSignal) => AsyncIterable<{ actual: SocketAddress }>;
}

interface Balancer {
  slot: number;
  /** What was asked for; another list is another balancer. */
  ports: string;
  status: BalancerStatus;
  stop: AbortController;
}

const MOST_BALANCERS = 254;
const REOPEN_MS = 500;

/**
 * A cloud on this machine: each balancer is an address 127.C.1.n, whose ports the data plane serves and spreads over the
 * nodes that would answer, as a cloud's health checks have it.
 */
export class HostCloud implements CloudLoadBalancers {
  readonly #options: HostCloudOptions;
  readonly #balancers = new Map<string, Balancer>();
  readonly #takenSlots = new Set<number>();

  constructor(options: HostCloudOptions) {
    this.#options = options;
  }

  has(key: string): boolean {
    return this.#balancers.has(key);
  }

  async ensure(
    key: string,
    service: CachedService,
    _nodes: readonly string[],
    signal: AbortSignal,
  ): Promise<BalancerStatus> {
    const ports = portsText(service);
    const ignored = withoutEffect(service);
    const existing = this.#balancers.get(key);
    if (existing?.ports === ports) return { ...existing.status, ignored };
    await this.delete(key);
    const slot = this.#takeSlot(service);
    const stop = new AbortController();
    signal.addEventListener("abort", () => stop.abort(), { once: true, signal: stop.signal });
    try {
      const ip = `127.${this.#options.loopbackIndex}.1.${slot}`;
      const status = await this.#open(key, service, ip, stop.signal);
      this.#balancers.set(key, { slot, ports, status, stop });
      return { ...status, ignored };
    } catch (err) {
      stop.abort();
      this.#takenSlots.delete(slot);
      throw err;
    }
  }

  async delete(key: string): Promise<void> {
    const balancer = this.#balancers.get(key);
    if (!balancer) return;
    balancer.stop.abort();
    this.#takenSlots.delete(balancer.slot);
    this.#balancers.delete(key);
  }

  async #open(key: string, service: CachedService, ip: string, signal: AbortSignal): Promise<BalancerStatus> {
    const warnings: string[] = [];
    const opened: SocketAddress[] = [];
    for (const port of service.spec.ports ?? []) {
      if (port.protocol === "SCTP") throw new Error("this machine cannot balance SCTP");
      const actual = await this.#hold(leaseQuery(key, port, ip), signal);
      opened.push(actual);
      if (actual.port === port.port && actual.ip === ip) continue;
      const wanted = formatAddress({ ip, port: port.port });
      warnings.push(`${wanted} cannot be had on this machine: ${formatAddress(actual)} is used instead`);
    }
    const [first] = opened;
    return { ingress: first ? [{ ip: first.ip, ipMode: "VIP" }] : [], warnings };
  }

  /** Opens a port, and again whenever the data plane has restarted, until the signal aborts. */
  async #hold(query: URLSearchParams, signal: AbortSignal): Promise<SocketAddress> {
    const open = async () => {
      const reader = this.#options.lease(query, signal)[Symbol.asyncIterator]();
      const first = await reader.next();
      if (first.done) throw new Error("the data plane opened no port");
      return { reader, actual: first.value.actual };
    };
    const { reader, actual } = await open();
    const keep = async (): Promise<void> => {
      let current: typeof reader | undefined = reader;
      while (!signal.aborted) {
        await current?.next().catch(() => {});
        if (signal.aborted) return;
        await this.#options.clock.sleep(REOPEN_MS, signal).catch(() => {});
        current = await open().then(
          (again) => again.reader,
          () => undefined,
        );
      }
    };
    // Ends with the signal; its own failures are tried again.
    void keep();
    return actual;
  }

  /** The number that its address had before, else the lowest free one. Throws Error when there is none. */
  #takeSlot({ status }: CachedService): number {
    const prefix = `127.${this.#options.loopbackIndex}.1.`;
    const had = status?.loadBalancer?.ingress?.[0]?.ip ?? "";
    const before = had.startsWith(prefix) ? Number(had.slice(prefix.length)) : 0;
    const isFree = (slot: number): boolean =>
      slot >= 1 && slot <= MOST_BALANCERS && !this.#takenSlots.has(slot);
    let slot = 1;
    while (slot <= MOST_BALANCERS && !isFree(slot)) slot++;
    if (isFree(before)) slot = before;
    if (!isFree(slot)) throw new Error(`more than ${MOST_BALANCERS} load balancers`);
    this.#takenSlots.add(slot);
    return slot;
  }
}

const leaseQuery = (key: string, port: DeepReadonly<ServicePort>, ip: string): URLSearchParams =>
  new URLSearchParams({
    servicePort: `${key}${port.name ? `:${port.name}` : ""}`,
    protocol: port.protocol,
    ip,
    port: String(port.port),
    ...(port.nodePort === undefined ? {} : { nodePort: String(port.nodePort) }),
  });

const portsText = ({ spec }: CachedService): string =>
  JSON.stringify(
    (spec.ports ?? []).map(({ name, protocol, port, nodePort }) => [name, protocol, port, nodePort]),
  );

import type { Clock } from "../../machinery/api/clock.js";
import type { LinkEnds, Links } from "../../machinery/network/links.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { CarrierDialer } from "./carrier-dialer.js";
import { Conntrack, type ConntrackEntry } from "./conntrack.js";
import type { FlowLog } from "./flow-log.js";
import { throughLoopback } from "./loopback.js";
import type { Router } from "./router.js";

export interface DatagramOptions {
  clock: Clock;
  router: Router;
  flows: FlowLog;
  links: Links;
  dialer: CarrierDialer;
}

/** Whether it took the datagram. */
export type DatagramSink = (to: SocketAddress, bytes: Uint8Array) => boolean;

/** UDP through the nodes: the first datagram of an exchange is decided, the rest follow it. */
export class Datagrams {
  readonly conntrack: Conntrack;
  readonly #options: DatagramOptions;
  readonly #sinks = new Map<string, DatagramSink>();

  constructor(options: DatagramOptions) {
    this.#options = options;
    this.conntrack = new Conntrack(options.clock, (entry) => options.flows.ended(entry.flow, "open"));
  }

  /** Datagrams for this address end here instead of at a carrier, if the sink takes them. Throws RangeError when there is one. */
  addSink(ip: string, deliver: DatagramSink): void {
    if (this.#sinks.has(ip)) throw new RangeError(`${ip} is somebody's already`);
    this.#sinks.set(ip, deliver);
  }

  /** `enteredAt`: from outside the cluster, at that node's external address. */
  send(from: SocketAddress, to: SocketAddress, bytes: Uint8Array, enteredAt?: string): void {
    const answered = this.conntrack.reply(from, to);
    if (answered) return this.#reply(answered, bytes);
    const entry = this.conntrack.original(from, to) ?? this.#begin(from, to, bytes.length, enteredAt);
    if (!entry) return;
    const { decision, translated, flow } = entry;
    entry.lastSeenMs = this.#options.clock.monotonicMs();
    flow.sentBytes += bytes.length;
    this.#transmit(decision.hop?.carrier, translated.from, translated.to, bytes, {
      source: decision.sourceNode ?? "",
      destination: decision.hop?.node?.nodeName ?? "",
      from: from.ip,
      to: translated.to.ip,
    });
  }

  /**
   * Forgets the exchanges that these service ports' rules would send elsewhere, and answers how many they were: those to
   * one of their addresses that do not end at a serving endpoint. A Service that has none keeps what it has, and so does
   * one that is gone. Upstream: pkg/proxy/conntrack/cleanup.go CleanStaleEntries.
   */
  flushStale(servicePorts: Iterable<string>): number {
    const { router } = this.#options;
    const before = this.conntrack.size;
    if (before === 0) return 0;
    for (const servicePort of servicePorts) {
      const route = router.newestTable.get(servicePort)?.route;
      if (route?.protocol !== "UDP") continue;
      for (const port of new Set([route.port, route.nodePort ?? route.port]))
        this.conntrack.flush(port, (entry) => this.#isStale(entry, servicePort));
    }
    return before - this.conntrack.size;
  }

  #isStale({ decision, original: { to }, translated }: ConntrackEntry, servicePort: string): boolean {
    const route = this.#options.router.kernel(decision.node ?? "")?.table.get(servicePort)?.route;
    if (route?.protocol !== "UDP") return false;
    const isVip =
      to.port === route.port &&
      [route.clusterIPs, route.externalIPs, route.loadBalancerIPs].some((ips) => ips.includes(to.ip));
    if (!isVip && to.port !== route.nodePort) return false;
    const serving = route.backends.filter((backend) => backend.serving);
    return serving.length > 0 && !serving.some(({ ip }) => ip === translated.to.ip);
  }

  forgetNode(node: string): void {
    this.conntrack.flushWhere(({ decision }) => decision.node === node || decision.sourceNode === node);
  }

  #begin(
    from: SocketAddress,
    to: SocketAddress,
    bytes: number,
    enteredAt?: string,
  ): ConntrackEntry | undefined {
    const { router, flows, clock } = this.#options;
    const packet = { protocol: "UDP" as const, from, to, ...(enteredAt === undefined ? {} : { enteredAt }) };
    const decision = router.decide(throughLoopback(router, packet));
    const flow = flows.begin(packet, decision);
    if (decision.verdict !== "forward") {
      flow.sentBytes += bytes;
      flows.ended(flow, decision.verdict, decision.reason);
      return undefined;
    }
    const entry: ConntrackEntry = {
      original: { from, to },
      translated: { from: this.conntrack.uniqueSource(decision.from, decision.to), to: decision.to },
      decision,
      flow,
      assured: false,
      lastSeenMs: clock.monotonicMs(),
    };
    this.conntrack.add(entry);
    flows.opened(flow);
    return entry;
  }

  #reply(entry: ConntrackEntry, bytes: Uint8Array): void {
    const { decision, original, flow } = entry;
    entry.assured = true;
    entry.lastSeenMs = this.#options.clock.monotonicMs();
    flow.receivedBytes += bytes.length;
    const sink = this.#sinks.get(original.from.ip);
    if (sink?.(original.from, bytes)) return;
    const carrier = this.#options.router.forwarding.hop(original.from.ip)?.carrier;
    this.#transmit(carrier, original.to, original.from, bytes, {
      source: decision.hop?.node?.nodeName ?? "",
      destination: decision.sourceNode ?? "",
      from: entry.translated.to.ip,
      to: original.from.ip,
    });
  }

  #transmit(
    carrier: string | undefined,
    from: SocketAddress,
    to: SocketAddress,
    bytes: Uint8Array,
    ends: LinkEnds,
  ): void {
    if (!carrier) return;
    const copies = this.#options.links.datagram(ends, bytes.length);
    if (copies.length > 0) this.#options.dialer.sendDatagram(carrier, from, to, bytes, copies);
  }
}

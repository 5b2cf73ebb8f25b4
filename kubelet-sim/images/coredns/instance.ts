import { DnsServer, type DnsExchange } from "../../../machinery/dns/dns-server.js";
import { isInZone } from "../../../machinery/dns/names.js";
import type { CacheKind } from "../../../machinery/dns/plugins/cache.js";
import type { DnsHandler, DnsRequest } from "../../../machinery/dns/plugins/plugin.js";
import { emptyReply } from "../../../machinery/dns/reply.js";
import { type Http1Answer, Http1Server } from "../../../machinery/network/http1-server.js";
import type { Listener } from "../../../machinery/network/network.js";
import type { Process } from "../process.js";
import type { DnsFaults } from "./dns-faults.js";
import { queryLogLine } from "./query-log.js";
import type { ServerConfig } from "./server-config.js";
import { buildPlugins, type PluginSeams } from "./server-plugins.js";

export interface InstanceSeams extends Omit<PluginSeams, "labels"> {
  process: Process;
  faults: DnsFaults;
  /** Called when a server hears its own probe: plugin `loop`. */
  onLoop: (zone: string) => void;
}

interface RunningServer {
  config: ServerConfig;
  handler: DnsHandler;
  cacheEntries: (kind: CacheKind) => number;
}

/** Names that plugin `loop` asks for, once per start, and how often one may come back. */
const LOOP_PROBE_HEARD = 2;

/** All servers of one Corefile. A reload makes another instance and stops this one. */
export class CorednsInstance {
  readonly configs: readonly ServerConfig[];
  readonly #seams: InstanceSeams;
  readonly #servers: readonly RunningServer[];
  readonly #dns: DnsServer[] = [];
  readonly #listeners: Listener[] = [];
  readonly #startedAt = new WeakMap<DnsRequest, number>();
  readonly #loopProbe: string;
  #loopProbeHeard = 0;

  constructor(configs: readonly ServerConfig[], seams: InstanceSeams) {
    this.configs = configs;
    this.#seams = seams;
    const rng = seams.rng.fork("loop");
    this.#loopProbe = `${rng.int(1, 2 ** 31)}.${rng.int(1, 2 ** 31)}`;
    this.#servers = configs.map((config) => {
      const labels = { server: `dns://:${config.port}`, zone: `${config.zones[0] ?? ""}.` };
      const { handler, cache } = buildPlugins(config, { ...seams, labels });
      return { config, handler, cacheEntries: (kind) => cache?.size(kind) ?? 0 };
    });
  }

  cacheEntries(kind: CacheKind): number {
    return this.#servers.reduce((sum, server) => sum + server.cacheEntries(kind), 0);
  }

  /** Throws ConnectionError `address-in-use`. */
  start(): void {
    const { process, metrics, view } = this.#seams;
    for (const port of new Set(this.configs.map((config) => config.port))) this.#serveDns(port);
    const text = (body: string, status = 200) => ({ status, body });
    this.#serveText(firstPort(this.configs, "healthPort"), () => text("OK"));
    this.#serveText(firstPort(this.configs, "readyPort"), () =>
      !view || view.hasSynced() ? text("OK") : text("kubernetes", 503),
    );
    this.#serveText(firstPort(this.configs, "metricsPort"), () => text(metrics.text()));
    for (const { config, handler } of this.#servers) {
      if (config.loop) process.background(() => this.#probeForLoop(config, handler));
    }
  }

  stop(): void {
    for (const server of this.#dns) server.stop();
    for (const listener of this.#listeners) listener.close();
  }

  #serveDns(port: number): void {
    const { process, faults } = this.#seams;
    const servers = this.#servers.filter(({ config }) => config.port === port);
    const server = new DnsServer({
      network: process.network,
      port,
      clock: this.#seams.clock,
      logger: process.logger,
      mostUdpBytes: Math.min(...servers.map(({ config }) => config.mostUdpBytes)),
      answer: (request) => faults.answer(process, request, () => this.#answer(servers, request)),
      observe: (exchange) => this.#answered(servers, exchange),
    });
    this.#dns.push(server);
    const served = server.run();
    process.background(() => served);
  }

  #answer(servers: readonly RunningServer[], request: DnsRequest): ReturnType<DnsHandler> {
    this.#startedAt.set(request, this.#seams.clock.monotonicMs());
    const server = serverFor(servers, request.name);
    if (!server) return emptyReply("REFUSED");
    if (
      server.config.loop &&
      request.question.type === "HINFO" &&
      this.#isLoop(request.name, server.config)
    ) {
      return emptyReply("SERVFAIL");
    }
    return server.handler(request);
  }

  #isLoop(name: string, { zones }: ServerConfig): boolean {
    const zone = zones[0] ?? "";
    if (name !== [this.#loopProbe, zone].filter(Boolean).join(".")) return false;
    this.#loopProbeHeard += 1;
    if (this.#loopProbeHeard > LOOP_PROBE_HEARD) this.#seams.onLoop(`${zone}.`);
    return this.#loopProbeHeard > LOOP_PROBE_HEARD;
  }

  // Upstream: coredns plugin/loop.
  /** Asks for a name that nobody has, as a client would: when it comes back, the server forwards to itself. */
  async #probeForLoop({ zones }: ServerConfig, handler: DnsHandler): Promise<void> {
    const name = [this.#loopProbe, zones[0] ?? ""].filter(Boolean).join(".");
    await handler({
      question: { name, type: "HINFO" },
      name,
      from: { ip: "127.0.0.1", port: 0 },
      protocol: "udp",
      dnssecOk: false,
      sizeBytes: 0,
      limitBytes: 512,
      id: 0,
    });
  }

  #answered(servers: readonly RunningServer[], exchange: DnsExchange): void {
    const { request, reply } = exchange;
    const { process, metrics, clock } = this.#seams;
    const config = request && serverFor(servers, request.name)?.config;
    const startedAtMs = request && this.#startedAt.get(request);
    const seconds = startedAtMs === undefined ? 0 : (clock.monotonicMs() - startedAtMs) / 1000;
    const zone = config ? `${config.zones[0] ?? ""}.` : "dropped";
    metrics.answered(exchange, { server: `dns://:${servers[0]?.config.port ?? 53}`, zone }, seconds);
    const lines: string[] = [];
    if (config?.log) lines.push(queryLogLine(exchange, seconds));
    if (config?.errors && request && reply.problem) {
      lines.push(
        `[ERROR] plugin/errors: 2 ${request.question.name}. ${request.question.type}: ${reply.problem}\n`,
      );
    }
    if (lines.length > 0) process.background(() => process.stdout.write(lines.join("")));
  }

  #serveText(port: number | undefined, answer: () => { status: number; body: string }): void {
    if (port === undefined) return;
    const { process } = this.#seams;
    const server = new Http1Server((): Http1Answer => {
      const { status, body } = answer();
      return {
        status,
        headers: { "content-type": "text/plain; charset=utf-8" },
        body: Buffer.from(body, "utf8"),
      };
    });
    const accept = (connection: Parameters<Parameters<typeof process.network.listen>[1]>[0]): void =>
      process.background(() => server.serve(connection));
    this.#listeners.push(process.network.listen(port, accept));
  }
}

/** The server whose zone is the longest that the name is in. */
function serverFor(servers: readonly RunningServer[], name: string): RunningServer | undefined {
  let best: RunningServer | undefined;
  let longest = -1;
  for (const server of servers) {
    for (const zone of server.config.zones) {
      if (zone.length > longest && isInZone(name, zone)) {
        best = server;
        longest = zone.length;
      }
    }
  }
  return best;
}

const firstPort = (
  configs: readonly ServerConfig[],
  field: "healthPort" | "readyPort" | "metricsPort",
): number | undefined => configs.map((config) => config[field]).find((port) => port !== undefined);

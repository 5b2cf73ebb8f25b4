import type { CacheKind } from "../../../machinery/dns/plugins/cache.js";
import type { DnsExchange } from "../../../machinery/dns/dns-server.js";
import type { ProgrammedChange } from "../../../machinery/dns/informer-view.js";
import { MetricsRegistry } from "../../../machinery/runtime/metrics.js";

const doubling = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first * 2 ** i);
const SIZE_BUCKETS = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];
/** Types with a label of their own; the others are counted together. */
const OWN_LABEL = new Set(
  "A AAAA ANY CNAME DNSKEY DS HTTPS IXFR AXFR MX NS NSEC NSEC3 NULL OPT PTR RRSIG SOA SRV SVCB TLSA TXT".split(
    " ",
  ),
);

/** Which server and zone a sample belongs to, as CoreDNS labels them. */
export interface ServerLabels {
  server: string;
  zone: string;
}

// Upstream: coredns plugin/metrics/vars, plugin/cache/metrics.go, plugin/kubernetes/metrics.go.
/** CoreDNS's own metrics, under its names. */
export class CorednsMetrics {
  readonly #registry = new MetricsRegistry();
  readonly #requests = this.#registry.counter(
    "coredns_dns_requests_total",
    "Counter of DNS requests made per zone, protocol and family.",
  );
  readonly #durations = this.#registry.histogram(
    "coredns_dns_request_duration_seconds",
    "Histogram of the time (in seconds) each request took per zone.",
    doubling(0.00025, 16),
  );
  readonly #requestSizes = this.#registry.histogram(
    "coredns_dns_request_size_bytes",
    "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.",
    SIZE_BUCKETS,
  );
  readonly #responseSizes = this.#registry.histogram(
    "coredns_dns_response_size_bytes",
    "Size of the returned response in bytes.",
    SIZE_BUCKETS,
  );
  readonly #responses = this.#registry.counter(
    "coredns_dns_responses_total",
    "Counter of response status codes.",
  );
  readonly #programming = this.#registry.histogram(
    "coredns_kubernetes_dns_programming_duration_seconds",
    "Histogram of the time (in seconds) it took to program a dns instance.",
    doubling(0.001, 20),
  );
  readonly #cacheRequests = this.#registry.counter(
    "coredns_cache_requests_total",
    "The count of cache requests.",
  );
  readonly #cacheHits = this.#registry.counter("coredns_cache_hits_total", "The count of cache hits.");
  readonly #cacheMisses = this.#registry.counter(
    "coredns_cache_misses_total",
    "The count of cache misses. Deprecated, derive misses from cache hits/requests counters.",
  );
  readonly #evictions = this.#registry.counter(
    "coredns_cache_evictions_total",
    "The count of cache evictions.",
  );
  readonly #forwards = this.#registry.counter(
    "coredns_forward_requests_total",
    "Counter of requests made per upstream.",
  );
  readonly #reloadFailures = this.#registry.counter(
    "coredns_reload_failed_total",
    "Counter of the number of failed reload attempts.",
  );

  constructor(version: string, cacheEntries: (kind: CacheKind) => number) {
    this.#registry
      .gauge(
        "coredns_build_info",
        "A metric with a constant '1' value labeled by version, revision, and goversion.",
      )
      .set(1, { goversion: "go1.25.2", revision: "1db4568", version });
    this.#registry.counter("coredns_panics_total", "A metrics that counts the number of panics.").inc({}, 0);
    this.#registry.collected("gauge", "coredns_cache_entries", "The number of elements in the cache.", () =>
      (["success", "denial"] as const).map((type) => [
        { server: "dns://:53", type, view: "", zones: "." },
        cacheEntries(type),
      ]),
    );
    this.#reloadFailures.inc({}, 0);
  }

  answered(
    { request, reply, protocol, responseBytes }: DnsExchange,
    { server, zone }: ServerLabels,
    durationSeconds: number,
  ): void {
    const of = { server, view: "", zone };
    const family = request?.from.ip.includes(":") ? "2" : "1";
    const type = request?.question.type ?? "other";
    this.#requests.inc({ family, proto: protocol, ...of, type: OWN_LABEL.has(type) ? type : "other" });
    this.#durations.observe(durationSeconds, of);
    if (request) this.#requestSizes.observe(request.limitBytes, { proto: protocol, ...of });
    this.#responseSizes.observe(responseBytes, { proto: protocol, ...of });
    this.#responses.inc({ plugin: reply.by ?? "", rcode: reply.rcode, ...of });
  }

  cacheHit(type: CacheKind, { server }: ServerLabels): void {
    const of = { server, view: "", zones: "." };
    this.#cacheRequests.inc(of);
    this.#cacheHits.inc({ server, type, view: "", zones: "." });
  }

  cacheMiss({ server }: ServerLabels): void {
    const of = { server, view: "", zones: "." };
    this.#cacheRequests.inc(of);
    this.#cacheMisses.inc(of);
  }

  cacheEvicted(type: CacheKind, { server }: ServerLabels): void {
    this.#evictions.inc({ server, type, view: "", zones: "." });
  }

  forwarded(to: string, rcode: string): void {
    this.#forwards.inc({ rcode, to });
  }

  programmed({ kind }: ProgrammedChange, seconds: number): void {
    this.#programming.observe(seconds, { service_kind: kind });
  }

  reloadFailed(): void {
    this.#reloadFailures.inc();
  }

  text(): string {
    return this.#registry.expose();
  }
}

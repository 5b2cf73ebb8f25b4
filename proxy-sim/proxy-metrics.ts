import type { IpFamily } from "../machinery/network/addresses.js";
import { type Counter, type Gauge, type Histogram, MetricsRegistry } from "../machinery/runtime/metrics.js";

const linear = (first: number, step: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + step * i);
const exponential = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first * factor ** i);

const PROGRAMMING_BUCKETS = [
  // Finer than upstream's at the low end: a change here takes milliseconds.
  0.01,
  0.025,
  0.05,
  0.1,
  ...linear(0.25, 0.25, 2),
  ...linear(1, 1, 59),
  ...linear(60, 5, 12),
  ...linear(120, 30, 7),
];

/** What one sync did. */
export interface SyncReport {
  full: boolean;
  seconds: number;
  atMs: number;
  families: readonly IpFamily[];
  /** UDP entries whose endpoints are gone. */
  conntrackDeleted: number;
}

// Upstream: pkg/proxy/metrics/metrics.go.
/** kube-proxy's metrics, under its names. One process stands for every node's proxy. */
export class ProxyMetrics {
  readonly registry = new MetricsRegistry();
  readonly programmingDuration: Histogram = this.registry.histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    PROGRAMMING_BUCKETS,
  );
  readonly endpointChanges: Counter = this.#counter(
    "endpoint_changes_total",
    "Cumulative proxy rules Endpoint changes",
  );
  readonly serviceChanges: Counter = this.#counter(
    "service_changes_total",
    "Cumulative proxy rules Service changes",
  );
  readonly healthz: Counter = this.registry.counter(
    "kubeproxy_proxy_healthz_total",
    "Cumulative proxy healthz HTTP status",
  );
  readonly livez: Counter = this.registry.counter(
    "kubeproxy_proxy_livez_total",
    "Cumulative proxy livez HTTP status",
  );
  readonly #sync = this.#histogram("sync_proxy_rules", "SyncProxyRules latency in seconds");
  readonly #full = this.#histogram(
    "sync_full_proxy_rules",
    "SyncProxyRules latency in seconds for full resyncs",
  );
  readonly #partial = this.#histogram(
    "sync_partial_proxy_rules",
    "SyncProxyRules latency in seconds for partial resyncs",
  );
  readonly #lastSync: Gauge = this.registry.gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
  );
  readonly #lastQueued: Gauge = this.registry.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
  );
  readonly #endpointsPending = this.#gauge(
    "endpoint_changes_pending",
    "Pending proxy rules Endpoint changes",
  );
  readonly #servicesPending = this.#gauge("service_changes_pending", "Pending proxy rules Service changes");
  readonly #failures: Record<"iptables" | "partial" | "nftables", Counter> = {
    iptables: this.#counter("iptables_restore_failures_total", "Cumulative proxy iptables restore failures"),
    partial: this.#counter(
      "iptables_partial_restore_failures_total",
      "Cumulative proxy iptables partial restore failures",
    ),
    nftables: this.#counter("nftables_sync_failures_total", "Cumulative proxy nftables sync failures"),
  };
  readonly #conntrackDeleted: Counter = this.registry.counter(
    "kubeproxy_conntrack_reconciler_deleted_entries_total",
    "Cumulative conntrack flows deleted by conntrack reconciler",
  );
  #pending = { endpoints: 0, services: 0 };

  /** A change came from the API and waits for the next sync. */
  queued(kind: "service" | "slice", atMs: number, families: readonly IpFamily[]): void {
    if (kind === "slice") {
      this.endpointChanges.inc();
      this.#pending.endpoints += 1;
    } else {
      this.serviceChanges.inc();
      this.#pending.services += 1;
    }
    this.#showPending();
    for (const ip_family of families) this.#lastQueued.set(atMs / 1000, { ip_family });
  }

  /** The data plane took what was pending. */
  synced({ full, seconds, atMs, families, conntrackDeleted }: SyncReport): void {
    this.#pending = { endpoints: 0, services: 0 };
    this.#showPending();
    for (const ip_family of families) {
      this.#sync.observe(seconds, { ip_family });
      (full ? this.#full : this.#partial).observe(seconds, { ip_family });
      this.#lastSync.set(atMs / 1000, { ip_family });
    }
    if (conntrackDeleted > 0) this.#conntrackDeleted.inc({}, conntrackDeleted);
  }

  /** The data plane did not take a sync. */
  failed(mode: string, full: boolean): void {
    if (mode === "nftables") return this.#failures.nftables.inc();
    this.#failures.iptables.inc();
    if (!full) this.#failures.partial.inc();
  }

  #showPending(): void {
    this.#endpointsPending.set(this.#pending.endpoints);
    this.#servicesPending.set(this.#pending.services);
  }

  #counter(name: string, help: string): Counter {
    return this.registry.counter(`kubeproxy_sync_proxy_rules_${name}`, help);
  }

  #gauge(name: string, help: string): Gauge {
    return this.registry.gauge(`kubeproxy_sync_proxy_rules_${name}`, help);
  }

  #histogram(name: string, help: string): Histogram {
    return this.registry.histogram(`kubeproxy_${name}_duration_seconds`, help, exponential(0.001, 2, 15));
  }
}

import { type Counter, type Gauge, type Histogram, MetricsRegistry } from "../machinery/runtime/metrics.js";

const exponential = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first * factor ** i);

// Upstream: pkg/proxy/metrics/metrics.go.
/** kube-proxy's metrics, under its names. */
export class ProxyMetrics {
  readonly registry = new MetricsRegistry();
  readonly syncDuration: Histogram = this.registry.histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds",
    exponential(0.001, 2, 15),
  );
  readonly fullSyncDuration: Histogram = this.registry.histogram(
    "kubeproxy_sync_full_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for full resyncs",
    exponential(0.001, 2, 15),
  );
  readonly partialSyncDuration: Histogram = this.registry.histogram(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
    exponential(0.001, 2, 15),
  );
  readonly programmingDuration: Histogram = this.registry.histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    [0.01, 0.05, 0.1, 0.25, ...Array.from({ length: 10 }, (_, i) => 0.5 + i * 0.5), 10, 20, 60, 120, 300],
  );
  readonly lastSync: Gauge = this.registry.gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
  );
  readonly lastQueued: Gauge = this.registry.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
  );
  readonly endpointChanges: Counter = this.registry.counter(
    "kubeproxy_sync_proxy_rules_endpoint_changes_total",
    "Cumulative proxy rules Endpoint changes",
  );
  readonly serviceChanges: Counter = this.registry.counter(
    "kubeproxy_sync_proxy_rules_service_changes_total",
    "Cumulative proxy rules Service changes",
  );
  readonly failures: Counter = this.registry.counter(
    "kubeproxy_sync_proxy_rules_failures_total",
    "Syncs that the data plane did not take",
  );
}

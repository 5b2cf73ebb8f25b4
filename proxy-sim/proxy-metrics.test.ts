import { expect, test } from "@jest/globals";
import { ProxyMetrics } from "./proxy-metrics.js";

test("a sync is counted once for each address family, full ones apart from partial ones", () => {
  const metrics = new ProxyMetrics();
  metrics.queued("service", 1000, ["IPv4", "IPv6"]);
  metrics.queued("slice", 2000, ["IPv4", "IPv6"]);
  expect(metrics.registry.expose()).toContain("kubeproxy_sync_proxy_rules_endpoint_changes_pending 1");
  metrics.synced({ full: true, seconds: 0.5, atMs: 3000, families: ["IPv4", "IPv6"], conntrackDeleted: 0 });
  metrics.synced({ full: false, seconds: 0.001, atMs: 4000, families: ["IPv4"], conntrackDeleted: 2 });
  metrics.failed("nftables", true);
  metrics.failed("iptables", false);
  const lines = metrics.registry.expose().split("\n");
  for (const line of [
    'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 2',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv6"} 1',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 4',
    'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"} 2',
    "kubeproxy_sync_proxy_rules_endpoint_changes_pending 0",
    "kubeproxy_sync_proxy_rules_endpoint_changes_total 1",
    "kubeproxy_sync_proxy_rules_service_changes_total 1",
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1",
    "kubeproxy_sync_proxy_rules_iptables_restore_failures_total 1",
    "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total 1",
    "kubeproxy_conntrack_reconciler_deleted_entries_total 2",
  ])
    expect(lines).toContain(line);
});

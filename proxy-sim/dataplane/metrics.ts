import type { DataPlane } from "./data-plane.js";

/** Prometheus text of the data plane's counters. */
export function dataPlaneMetrics(dataPlane: DataPlane): string {
  const { flows, datagrams, router } = dataPlane;
  const kernels = [...router.kernels()];
  const shared = new Set(kernels.map(({ table }) => table)).size;
  const outcomes = [...flows.counts].map(
    ([outcome, count]) => `kubesim_dataplane_flows_total{outcome="${outcome}"} ${count}`,
  );
  return [
    ...metric("kubesim_dataplane_flows_active", "gauge", "Flows that are open.", flows.active),
    "# HELP kubesim_dataplane_flows_total Flows that have ended, by outcome.",
    "# TYPE kubesim_dataplane_flows_total counter",
    ...outcomes,
    ...metric("kubesim_dataplane_conntrack_entries", "gauge", "UDP exchanges.", datagrams.conntrack.size),
    ...metric("kubesim_dataplane_nodes", "gauge", "Nodes with a table.", kernels.length),
    ...metric("kubesim_dataplane_tables", "gauge", "Different tables that the nodes share.", shared),
    ...metric("kubesim_dataplane_transactions_total", "counter", "Programs applied.", dataPlane.programmed),
    "",
  ].join("\n");
}

const metric = (name: string, type: string, help: string, value: number): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  `${name} ${value}`,
];

import type { ControllerStats } from "./workers.js";

/** Prometheus text, under the names of client-go's workqueue and controller-runtime. */
export function controllerMetrics(controllers: readonly { name: string; stats: ControllerStats }[]): string {
  const family = (
    name: string,
    type: "gauge" | "counter",
    help: string,
    valueOf: (stats: ControllerStats) => number,
  ): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...controllers.map((controller) => `${name}{name="${controller.name}"} ${valueOf(controller.stats)}`),
  ];
  return [
    ...family("workqueue_depth", "gauge", "Keys that wait for a worker", (stats) => stats.depth),
    ...family("workqueue_retries_total", "counter", "Keys tried again after a failure", (s) => s.failures),
    ...family("controller_reconcile_total", "counter", "Reconciliations", (stats) => stats.reconciles),
    ...family(
      "workqueue_work_duration_seconds_sum",
      "counter",
      "Time spent reconciling",
      (s) => s.busySeconds,
    ),
    "",
  ].join("\n");
}

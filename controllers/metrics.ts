import type { Labels, MetricsRegistry } from "../machinery/runtime/metrics.js";
import type { ControllerStats } from "./workers.js";

interface Controller {
  name: string;
  stats: ControllerStats;
}

/** Under the names of client-go's workqueue and controller-runtime. */
export function registerControllerMetrics(
  registry: MetricsRegistry,
  controllers: () => readonly Controller[],
): void {
  const register = (
    type: "gauge" | "counter",
    name: string,
    help: string,
    valueOf: (stats: ControllerStats) => number,
  ): void =>
    registry.collected(type, name, help, () =>
      controllers().map(({ name: controller, stats }): [Labels, number] => [
        { name: controller },
        valueOf(stats),
      ]),
    );
  register("gauge", "workqueue_depth", "Keys that wait for a worker", ({ depth }) => depth);
  register("counter", "workqueue_retries_total", "Keys tried again after a failure", (s) => s.failures);
  register("counter", "controller_reconcile_total", "Reconciliations", ({ reconciles }) => reconciles);
  register(
    "counter",
    "workqueue_work_duration_seconds_sum",
    "Time spent reconciling",
    ({ busySeconds }) => busySeconds,
  );
}

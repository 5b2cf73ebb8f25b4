import { readdirSync } from "node:fs";
import type { Labels, MetricsRegistry } from "./metrics.js";

/** The `process_*` metrics that every Go and Node.js program with a Prometheus client has. */
export function addProcessMetrics(registry: MetricsRegistry): void {
  const single = (value: number): [Labels, number][] => [[{}, value]];
  registry.collected(
    "counter",
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    () => {
      const { user, system } = process.cpuUsage();
      return single((user + system) / 1e6);
    },
  );
  registry.collected("gauge", "process_resident_memory_bytes", "Resident memory size in bytes.", () =>
    single(process.memoryUsage.rss()),
  );
  registry.collected(
    "gauge",
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    () => single(Math.round(performance.timeOrigin) / 1000),
  );
  registry.collected("gauge", "process_open_fds", "Number of open file descriptors.", () => {
    const count = openDescriptors();
    return count === undefined ? [] : single(count);
  });
  registry.collected(
    "gauge",
    "nodejs_heap_size_used_bytes",
    "Process heap size used from Node.js in bytes.",
    () => single(process.memoryUsage().heapUsed),
  );
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

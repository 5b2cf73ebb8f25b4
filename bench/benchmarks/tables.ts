import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";
import { median, quantile } from "../harness/statistics.js";
import type { TablesResult } from "../jobs/tables.js";

const AIM_LOAD_MS = 5000;
const AIM_MB = 1500;
const AIM_CHANGE_MS = 100;
const MANY = { services: 10_000, endpoints: 10, nodes: 1000 };

/** From the API's objects to every node's table: proxy and data plane in one process, lists and watches from memory. */
export const tables: Benchmark = {
  name: "tables",
  title: "Objects to the tables of all nodes: proxy and data plane",
  limitMs: { quick: 60_000, full: 240_000 },
  async run({ quick, scope, signal, progress }) {
    const rounds = quick ? 1 : 3;
    const changes = quick ? 20 : 100;
    const measure = async (options: typeof MANY & { watchPerNode?: boolean }): Promise<TablesResult[]> => {
      const results: TablesResult[] = [];
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        progress(`${options.services} services, ${options.nodes} nodes`);
        results.push(await runJob(scope, "tables", { ...options, changes }));
      }
      return results;
    };
    const slice = { services: 10, endpoints: 100 };
    return [
      ...load(await measure(MANY)),
      ...visible("1000 nodes, shared stream", await measure({ ...slice, nodes: 1000 }), true),
      ...visible("10 nodes, watches each", await measure({ ...slice, nodes: 10, watchPerNode: true })),
      ...visible("100 nodes, watches each", await measure({ ...slice, nodes: 100, watchPerNode: true })),
    ];
  },
};

function load(results: readonly TablesResult[]): Measure[] {
  const size = `${MANY.services} services × ${MANY.endpoints} endpoints, ${MANY.nodes} nodes`;
  const ms = results.map(({ loadMs }) => loadMs);
  const mb = results.map(({ residentMB }) => residentMB);
  return [
    {
      name: `load, ${size}`,
      unit: "ms",
      values: ms,
      aim: { text: "under 5 s", met: median(ms) < AIM_LOAD_MS },
    },
    {
      name: `memory, ${size}`,
      unit: "MB",
      values: mb,
      aim: { text: "under 1.5 GB", met: median(mb) < AIM_MB },
      note: "resident; proxy, data plane and the objects' text in one process",
    },
    ...visible(size, results),
  ];
}

/** One endpoint more or less in a slice, from the watch's event to the last node's table. */
function visible(where: string, results: readonly TablesResult[], isAim = false): Measure[] {
  const line = (name: string, share: number): Measure => {
    const values = results.map(({ changeMs }) => quantile(changeMs, share));
    const aim = { text: `under ${AIM_CHANGE_MS} ms`, met: median(values) < AIM_CHANGE_MS };
    return {
      name: `one endpoint's change, ${where}, ${name}`,
      unit: "ms",
      values,
      ...(isAim ? { aim } : {}),
    };
  };
  return [line("p50", 0.5), line("p99", 0.99)];
}

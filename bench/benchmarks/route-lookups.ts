import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";
import { median } from "../harness/statistics.js";
import type { LookupsResult } from "../jobs/lookups.js";

const SERVICES = [10, 1000, 10_000];
const ENDPOINTS = [10, 250];
/** Lookups do not depend on it: each packet meets one node's table. */
const LOOKUP_NODES = 10;
const UPDATE_NODES = [1, 1000];
const AIM_LOOKUPS = 2_000_000;

/** Lookups and updates of tables by how large they are. */
export const routeLookups: Benchmark = {
  name: "route-lookups",
  title: "Routing decisions and table updates of the data plane, one core",
  limitMs: { quick: 45_000, full: 120_000 },
  async run({ quick, scope, signal, progress }) {
    const measures: Measure[] = [];
    const sizes = quick ? [10, 10_000] : SERVICES;
    const measure = async (services: number, endpoints: number, nodes: number, durationMs: number) => {
      signal.throwIfAborted();
      progress(`${services} services with ${endpoints} endpoints, ${nodes} nodes`);
      return runJob(scope, "lookups", { services, endpoints, nodes, durationMs });
    };
    for (const services of sizes)
      for (const endpoints of ENDPOINTS) {
        const results: LookupsResult[] = [];
        for (let round = 0; round < (quick ? 1 : 3); round++)
          results.push(await measure(services, endpoints, LOOKUP_NODES, quick ? 150 : 500));
        measures.push(...ratesOf(`${services} services × ${endpoints} endpoints`, results));
      }
    for (const nodes of UPDATE_NODES)
      for (const services of sizes)
        for (const endpoints of ENDPOINTS) {
          const { updateUs } = await measure(services, endpoints, nodes, 1);
          const name = `update, ${services} services × ${endpoints} endpoints, ${nodes} nodes`;
          measures.push({ name, unit: "µs", values: [updateUs] });
        }
    return measures;
  },
};

function ratesOf(size: string, results: readonly LookupsResult[]): Measure[] {
  const floors = [{ name: "Map.has", values: results.map(({ map }) => map) }];
  const lookups = results.map((result) => result.lookups);
  const decisions = results.map((result) => result.decisions);
  const aim = { text: "over 2 M/s", met: median(lookups) > AIM_LOOKUPS };
  return [
    { name: `lookups, ${size}`, unit: "/s", values: lookups, floors, aim },
    { name: `decisions, ${size}`, unit: "/s", values: decisions, floors },
  ];
}

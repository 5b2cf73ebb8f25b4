import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";

const SERVICES = [10, 1000, 10_000];

export const routeLookups: Benchmark = {
  name: "route-lookups",
  title: "Routing decisions of the data plane, one process",
  limitMs: { quick: 15_000, full: 60_000 },
  async run({ quick, scope, signal, progress }) {
    const measures: Measure[] = [];
    for (const services of SERVICES) {
      progress(`${services} services`);
      const rounds = quick ? 1 : 3;
      const results = [];
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        results.push(await runJob(scope, "lookups", { services, durationMs: quick ? 150 : 500 }));
      }
      const floors = [{ name: "Map.has", values: results.map(({ map }) => map) }];
      const lookups = results.map((result) => result.lookups);
      const decisions = results.map((result) => result.decisions);
      measures.push(
        { name: `lookups, ${services} services`, unit: "/s", values: lookups, floors },
        { name: `decisions, ${services} services`, unit: "/s", values: decisions, floors },
      );
    }
    return measures;
  },
};

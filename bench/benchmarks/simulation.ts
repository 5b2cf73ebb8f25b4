import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { readScenarioFile } from "../../cli/scenario-file.js";
import { explore, seedsFrom } from "../../cli/simulate/explore.js";
import { withFiles } from "../../cli/simulate/manifest-files.js";
import { SeedPool } from "../../cli/simulate/seed-pool.js";
import type { BenchContext, Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";
import type { Pace } from "../jobs/simulated.js";

interface Size {
  nodes: number;
  pods: number;
  /** Without requests, and then as long with them. */
  simulatedMs: number;
  /** Also part of a quick run. */
  quick?: true;
}

const SIZES: readonly Size[] = [
  { nodes: 3, pods: 30, simulatedMs: 120_000, quick: true },
  { nodes: 100, pods: 1000, simulatedMs: 60_000, quick: true },
  { nodes: 1000, pods: 1000, simulatedMs: 15_000 },
];
const REQUESTS_PER_SECOND = 50;
const AIM_NODES = 100;
const AIM_RATIO = 100;
const AIM_SEEDS_PER_MINUTE = 500;
/** Processes are slow while their code is still being compiled. */
const FIRST_SEEDS = 30;
const STANDARD = fileURLToPath(new URL("../../../simulation/scenarios/rolling-update.yaml", import.meta.url));

export const simulation: Benchmark = {
  name: "simulation",
  title: "Virtual time: leases, probes and traffic of a cluster that runs undisturbed, and whole scenarios",
  limitMs: { quick: 90_000, full: 300_000 },
  async run(context) {
    const measures: Measure[] = [];
    for (const size of SIZES.filter(({ quick }) => !context.quick || quick)) {
      context.progress(`${size.nodes} nodes, ${size.pods} pods`);
      measures.push(...(await pacesOf(size, context)));
    }
    measures.push(...(await seedsPerMinute(context)));
    return measures;
  },
};

async function pacesOf(size: Size, { quick, scope, signal }: BenchContext): Promise<Measure[]> {
  signal.throwIfAborted();
  const { nodes, pods } = size;
  const simulatedMs = quick ? size.simulatedMs / 3 : size.simulatedMs;
  const requestsPerSecond = REQUESTS_PER_SECOND;
  const { idle, busy } = await runJob(scope, "simulated", { nodes, pods, requestsPerSecond, simulatedMs });
  const name = `simulated s per s, ${nodes} nodes, ${pods} pods`;
  return [
    {
      ...measureOf(name, idle),
      ...(nodes === AIM_NODES ? { aim: { text: `${AIM_RATIO}×`, met: idle.perSecond >= AIM_RATIO } } : {}),
    },
    measureOf(`${name}, ${requestsPerSecond} requests/s`, busy),
  ];
}

const measureOf = (name: string, { perSecond, perCpuSecond }: Pace): Measure => ({
  name,
  unit: "×",
  values: [perSecond],
  note: `${perCpuSecond.toFixed(0)} s per second of processor time`,
});

/** The standard scenario, in as many processes as there are processors, once they are warm. */
async function seedsPerMinute({ quick, scope, signal, progress }: BenchContext): Promise<Measure[]> {
  const jobs = Math.min(2, availableParallelism());
  const seeds = FIRST_SEEDS + (quick ? 10 : 100);
  progress(`${seeds} seeds of the standard scenario`);
  const { scenario, files } = withFiles(await readScenarioFile(STANDARD));
  const pool = new SeedPool({ jobs, files });
  scope.defer(() => pool.close());
  const startedMs = performance.now();
  let warm = { atMs: 0, cpuMs: 0 };
  const found = await explore({
    scenario,
    seeds: seedsFrom("1", seeds),
    pool,
    signal,
    onSeed: ({ seeds: done }) => {
      if (done === FIRST_SEEDS) warm = { atMs: performance.now(), cpuMs: pool.cpuMs };
    },
  });
  const measured = found.seeds - FIRST_SEEDS;
  const perMinute = (measured / (performance.now() - warm.atMs)) * 60_000;
  const cpuMs = (pool.cpuMs - warm.cpuMs) / measured;
  pool.close();
  const firstPerMinute = (FIRST_SEEDS / (warm.atMs - startedMs)) * 60_000;
  return [
    {
      name: `seeds of a rolling update, ${jobs} processes`,
      unit: "/min",
      values: [perMinute],
      aim: { text: `${AIM_SEEDS_PER_MINUTE}/min`, met: perMinute >= AIM_SEEDS_PER_MINUTE },
      note: `${found.held} of ${found.seeds} held, ${Math.round(found.simulatedMs / found.seeds / 1000)} s of ${Math.round(found.requests / found.seeds)} requests each; ${Math.round(firstPerMinute)} a minute for the first ${FIRST_SEEDS}`,
    },
    { name: "processor time of one seed", unit: "ms", values: [cpuMs] },
  ];
}

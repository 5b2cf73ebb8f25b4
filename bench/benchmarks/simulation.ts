import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { readScenarioFile } from "../../cli/scenario-file.js";
import { explore, seedsFrom } from "../../cli/simulate/explore.js";
import { withFiles } from "../../cli/simulate/manifest-files.js";
import { SeedPool } from "../../cli/simulate/seed-pool.js";
import type { BenchContext, Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";

interface Size {
  nodes: number;
  pods: number;
  requestsPerSecond: number;
  simulatedMs: number;
  /** Also part of a quick run. */
  quick?: true;
}

const SIZES: readonly Size[] = [
  { nodes: 3, pods: 30, requestsPerSecond: 0, simulatedMs: 300_000, quick: true },
  { nodes: 3, pods: 30, requestsPerSecond: 50, simulatedMs: 60_000 },
  { nodes: 100, pods: 1000, requestsPerSecond: 0, simulatedMs: 120_000, quick: true },
  { nodes: 100, pods: 1000, requestsPerSecond: 50, simulatedMs: 60_000 },
  { nodes: 1000, pods: 1000, requestsPerSecond: 0, simulatedMs: 30_000 },
];
const AIM_NODES = 100;
const AIM_RATIO = 100;
const AIM_SEEDS_PER_MINUTE = 500;
const STANDARD = fileURLToPath(new URL("../../../simulation/scenarios/rolling-update.yaml", import.meta.url));

export const simulation: Benchmark = {
  name: "simulation",
  title: "Virtual time: leases, probes and traffic of a cluster that runs undisturbed, and whole scenarios",
  limitMs: { quick: 90_000, full: 600_000 },
  async run(context) {
    const measures: Measure[] = [];
    for (const size of SIZES.filter(({ quick }) => !context.quick || quick)) {
      const { nodes, pods, requestsPerSecond } = size;
      context.progress(`${nodes} nodes, ${pods} pods, ${requestsPerSecond} requests/s`);
      measures.push(await ratioOf(size, context));
    }
    measures.push(await seedsPerMinute(context));
    return measures;
  },
};

async function ratioOf(size: Size, { quick, scope, signal }: BenchContext): Promise<Measure> {
  const { nodes, pods, requestsPerSecond } = size;
  const ratios: number[] = [];
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    signal.throwIfAborted();
    const simulatedMs = quick ? size.simulatedMs / 3 : size.simulatedMs;
    ratios.push((await runJob(scope, "simulated", { nodes, pods, requestsPerSecond, simulatedMs })).ratio);
  }
  const best = Math.max(...ratios);
  return {
    name: `simulated s per s, ${nodes} nodes, ${pods} pods${requestsPerSecond ? `, ${requestsPerSecond} requests/s` : ""}`,
    unit: "×",
    values: ratios,
    ...(nodes === AIM_NODES && requestsPerSecond === 0
      ? { aim: { text: `${AIM_RATIO}×`, met: best >= AIM_RATIO } }
      : {}),
  };
}

/** The standard scenario, in as many processes as there are processors; their start counts. */
async function seedsPerMinute({ quick, scope, signal, progress }: BenchContext): Promise<Measure> {
  const jobs = Math.min(2, availableParallelism());
  const seeds = quick ? 20 : 500;
  progress(`${seeds} seeds of the standard scenario`);
  const { scenario, files } = withFiles(await readScenarioFile(STANDARD));
  const pool = new SeedPool({ jobs, files });
  scope.defer(() => pool.close());
  const beganMs = performance.now();
  const found = await explore({ scenario, seeds: seedsFrom("1", seeds), pool, signal });
  const perMinute = (found.seeds / (performance.now() - beganMs)) * 60_000;
  pool.close();
  return {
    name: `seeds of a rolling update, ${jobs} processes`,
    unit: "/min",
    values: [perMinute],
    aim: { text: `${AIM_SEEDS_PER_MINUTE}/min`, met: perMinute >= AIM_SEEDS_PER_MINUTE },
    note: `${found.held} of ${found.seeds} held, ${Math.round(found.simulatedMs / found.seeds / 1000)} s of ${Math.round(found.requests / found.seeds)} requests each`,
  };
}

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { BenchCluster } from "../harness/bench-cluster.js";
import type { Benchmark, Measure } from "../harness/benchmark.js";
import { usageOf } from "../harness/process-usage.js";
import type { Scope } from "../harness/scope.js";

const AIM_MB = 500;
const AIM_PERCENT = 3;

/** What an idle three-node cluster costs: memory of each process, CPU of all. */
export const footprint: Benchmark = {
  name: "footprint",
  title: "The idle three-node cluster",
  limitMs: { quick: 30_000, full: 90_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const cluster = await BenchCluster.start(context);
    const barePid = await bareProcess(scope);
    progress("letting it settle");
    await sleep(quick ? 3000 : 10_000, undefined, { signal });
    const status = await cluster.whenReady();
    const pids = new Map([["supervisor", status.supervisor]]);
    for (const { name, pid } of status.processes) if (pid !== null) pids.set(name, pid);
    progress("watching it idle");
    const idleMs = quick ? 5000 : 20_000;
    const before = usageOfAll(pids);
    const fromMs = performance.now();
    await sleep(idleMs, undefined, { signal });
    const elapsedMs = performance.now() - fromMs;
    const after = usageOfAll(pids);
    const bare = usageOf(barePid);
    const cpuPercent = (name: string): number =>
      (((after.get(name)?.cpuMs ?? 0) - (before.get(name)?.cpuMs ?? 0)) / elapsedMs) * 100;
    const names = [...pids.keys()];
    const total = (of: (name: string) => number): number => names.reduce((sum, name) => sum + of(name), 0);
    const rss = total((name) => after.get(name)?.rssMB ?? 0);
    const cpu = total(cpuPercent);
    const bareFloor = (count: number) => [
      {
        name: count === 1 ? "a bare Node.js process" : `${count} bare Node.js processes`,
        values: [bare.rssMB * count],
      },
    ];
    const each = names.map(
      (name): Measure => ({
        name: `memory of ${name}`,
        unit: "MB",
        values: [after.get(name)?.rssMB ?? 0],
        floors: bareFloor(1),
        note: `${cpuPercent(name).toFixed(1)} % of a core`,
      }),
    );
    const shared = total((name) => after.get(name)?.pssMB ?? 0);
    return [
      ...each,
      {
        name: "memory of the cluster",
        unit: "MB",
        values: [rss],
        floors: bareFloor(names.length),
        aim: { text: "under 500 MB", met: rss < AIM_MB },
        note: `sum of resident memory; ${Math.round(shared)} MB when shared pages count once`,
      },
      {
        name: "CPU of the cluster",
        unit: "% core",
        values: [cpu],
        aim: { text: "under 3 % of a core", met: cpu < AIM_PERCENT },
      },
    ];
  },
};

const usageOfAll = (pids: ReadonlyMap<string, number>) =>
  new Map([...pids].map(([name, pid]) => [name, usageOf(pid)]));

/** A Node.js that does nothing, for comparison. */
function bareProcess(scope: Scope): Promise<number> {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume(); process.stdout.write('.')"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  scope.defer(() => void child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => resolve(child.pid ?? 0));
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { BenchContext, Benchmark, Measure } from "../harness/benchmark.js";
import { runJob } from "../harness/jobs.js";
import { usageOf } from "../harness/process-usage.js";
import { pageAt } from "../harness/targets.js";
import type { CrowdOptions, CrowdResult } from "../jobs/crowd.js";
import type { Target } from "../jobs/raw-client.js";

/** A process may have only so many files open; the dialling is shared. */
const PER_PROCESS = 10_000;
const PROCESSES = ["dataplane", "kubelet"] as const;
const FREED_WITHIN_MS = 30_000;
const HOLD_MS = { quick: 500, full: 3000 };
const AIM_MB = 1500;
const SPARE_FLOWS = 4;

type Memory = Record<(typeof PROCESSES)[number], number>;

interface Siege extends CrowdResult {
  before: Memory;
  during: Memory;
  after: Memory;
  /** From the clients' end until no flow of theirs is open. */
  freedMs: number;
}

/** Clients that open and never send, and clients that send and never read: what they cost, and what is left of them. */
export const crowd: Benchmark = {
  name: "crowd",
  title: "Clients that only hold connections",
  limitMs: { quick: 60_000, full: 240_000 },
  async run(context) {
    const { quick, progress } = context;
    const cluster = await BenchCluster.start(context, { manifests: [DEMO_MANIFESTS] });
    const target = cluster.nodePort(await cluster.until(() => cluster.file));
    await cluster.until(() => pageAt(target));
    const silent = quick ? 1000 : 100_000;
    progress(`${silent} clients that never send`);
    const opened = await besiege(context, cluster, target, { connections: silent });
    const deaf = quick ? 50 : 500;
    progress(`${deaf} clients that never read`);
    const flood = "GET / HTTP/1.1\r\nhost: web\r\n\r\n";
    const flooded = await besiege(context, cluster, target, { connections: deaf, flood });
    return [
      ...measuresOf(`${silent} that never send`, opened),
      ...measuresOf(`${deaf} that never read`, flooded),
    ];
  },
};

async function besiege(
  { quick, scope, signal }: BenchContext,
  cluster: BenchCluster,
  target: Target,
  crowdOptions: Pick<CrowdOptions, "connections" | "flood">,
): Promise<Siege> {
  const before = await memoryOf(cluster);
  // Pods have connections of their own.
  const usual = (await cluster.until(() => openFlows(cluster))) + SPARE_FLOWS;
  const { connections, ...flood } = crowdOptions;
  const parts = Array.from({ length: Math.ceil(connections / PER_PROCESS) }, (_, i) =>
    Math.min(PER_PROCESS, connections - i * PER_PROCESS),
  );
  const pids = await pidsOf(cluster);
  let during = before;
  let over = false;
  const all = Promise.all(
    parts.map((count) =>
      runJob(scope, "crowd", {
        target,
        connections: count,
        holdMs: HOLD_MS[quick ? "quick" : "full"],
        ...flood,
      }),
    ),
  ).finally(() => {
    over = true;
  });
  // Awaited below, unless the run is given up before.
  all.catch(() => {});
  while (!over) {
    during = most(during, usageNow(pids));
    await sleep(100, undefined, { signal });
  }
  const results = await all;
  const endedMs = performance.now();
  await cluster.until(async () => {
    const open = await openFlows(cluster);
    return open !== undefined && open <= usual ? true : undefined;
  }, 50);
  const freedMs = performance.now() - endedMs;
  if ((await cluster.until(() => pageAt(target))) === undefined)
    throw new Error("the Service does not answer");
  return {
    held: results.reduce((sum, { held }) => sum + held, 0),
    turnedAway: results.reduce((sum, { turnedAway }) => sum + turnedAway, 0),
    before,
    during,
    after: await memoryOf(cluster),
    freedMs,
  };
}

async function pidsOf(cluster: BenchCluster): Promise<Record<keyof Memory, number>> {
  const { processes } = await cluster.whenReady();
  const pid = (wanted: string): number => processes.find(({ name }) => name === wanted)?.pid ?? 0;
  return { dataplane: pid("dataplane"), kubelet: pid("kubelet") };
}

const usageNow = (pids: Record<keyof Memory, number>): Memory => ({
  dataplane: usageOf(pids.dataplane).rssMB,
  kubelet: usageOf(pids.kubelet).rssMB,
});

const memoryOf = async (cluster: BenchCluster): Promise<Memory> => usageNow(await pidsOf(cluster));

const most = (a: Memory, b: Memory): Memory => ({
  dataplane: Math.max(a.dataplane, b.dataplane),
  kubelet: Math.max(a.kubelet, b.kubelet),
});

/** TCP connections through the data plane; undefined while it does not answer. */
async function openFlows(cluster: BenchCluster): Promise<number | undefined> {
  const metrics = await cluster.admin<string>("dataplane", "/metrics");
  if (metrics === undefined) return undefined;
  const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, "m").exec(metrics)?.[1]);
  return value("kubesim_dataplane_flows_active") - value("kubesim_dataplane_conntrack_entries");
}

function measuresOf(who: string, siege: Siege): Measure[] {
  const peak = siege.during.dataplane + siege.during.kubelet;
  return [
    {
      name: `${who}, connections held`,
      unit: "",
      values: [siege.held],
      note: `${siege.turnedAway} refused or reset`,
    },
    ...PROCESSES.map(
      (name): Measure => ({
        name: `${who}, memory of ${name}`,
        unit: "MB",
        values: [siege.during[name]],
        floors: [
          { name: "before", values: [siege.before[name]] },
          { name: "after", values: [siege.after[name]] },
        ],
      }),
    ),
    {
      name: `${who}, all flows ended after`,
      unit: "ms",
      values: [siege.freedMs],
      aim: {
        text: `freed, under ${AIM_MB} MB`,
        met: siege.freedMs < FREED_WITHIN_MS && peak < AIM_MB,
      },
    },
  ];
}

import { setTimeout as sleep } from "node:timers/promises";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { loadPki } from "../../machinery/runtime/pki.js";
import { BenchCluster } from "../harness/bench-cluster.js";
import type { BenchContext, Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { Scope } from "../harness/scope.js";
import { quantile } from "../harness/statistics.js";
import { workDir } from "../harness/work-dir.js";
import { podJson } from "./bodies.js";
import { createGatedPod, createService, openGate, scaleUpBehind } from "./convergence-objects.js";
import { completedMs, type TimelineEntry } from "./timeline.js";

const AIM_NODES = 100;
const AIM_MS = 50;
const SERVICE = "default/converge";
const BURST_SERVICE = "default/burst";
const BURST_PODS = 100;
/** Changes come one at a time: the next one when the last has settled everywhere. */
const PAUSE_MS = 40;

/** From the moment a watcher of pods sees one Ready until the last node's table has it as a backend. */
export const convergence: Benchmark = {
  name: "convergence",
  title: "Pod Ready to the last node's table",
  limitMs: { quick: 40_000, full: 180_000 },
  async run(context) {
    const measures: Measure[] = [];
    for (const nodes of context.quick ? [3, AIM_NODES] : [3, AIM_NODES, 1000]) {
      context.progress(`starting ${nodes} nodes`);
      const scope = new Scope();
      context.scope.defer(() => scope.close());
      measures.push(...(await measureNodes({ ...context, scope }, nodes)));
      await scope.close();
    }
    return measures;
  },
};

async function measureNodes(context: BenchContext, nodes: number): Promise<Measure[]> {
  const cluster = await BenchCluster.start(context, { nodes });
  const ready = new ReadyTimes(context, cluster, "app in (converge,burst)");
  await createService(cluster.client, SERVICE);
  await createGatedPod(cluster.client, SERVICE);
  const changes = context.quick ? 20 : 100;
  context.progress(`${nodes} nodes, ${changes} changes one at a time`);
  const singles = await oneAtATime(context, cluster, ready, { nodes, changes });
  context.progress(`${nodes} nodes, ${BURST_PODS} pods at once`);
  const burst = await duringScaleUp(cluster, ready, nodes);
  ready.close();
  const floor = await bareWriteMs(context, cluster);
  const p99 = quantile(singles, 0.99);
  const line = (name: string, values: number[]): Measure => ({
    name: `${nodes} nodes, ${name}`,
    unit: "ms",
    values,
    floors: [{ name: "one bare durable write, p50", values: [floor] }],
  });
  return [
    line("one change at a time, p50", [quantile(singles, 0.5)]),
    {
      ...line("one change at a time, p99", [p99]),
      note: `${singles.length} changes, longest ${Math.round(Math.max(...singles))} ms`,
      ...(nodes === AIM_NODES ? { aim: { text: `p99 under ${AIM_MS} ms`, met: p99 < AIM_MS } } : {}),
    },
    line(`${BURST_PODS} pods at once, p50`, [quantile(burst, 0.5)]),
    line(`${BURST_PODS} pods at once, p99`, [quantile(burst, 0.99)]),
  ];
}

async function oneAtATime(
  { signal }: BenchContext,
  cluster: BenchCluster,
  ready: ReadyTimes,
  { nodes, changes }: { nodes: number; changes: number },
): Promise<number[]> {
  const tookMs: number[] = [];
  const latest = async (): Promise<TimelineEntry | undefined> => (await timeline(cluster, SERVICE, 1)).at(-1);
  for (let i = 0; i < changes; i++) {
    for (const open of [true, false]) {
      const before = Date.now();
      await openGate(cluster.client, SERVICE, open);
      const readyMs = await cluster.until(() => ready.since("converge", open, before), 1);
      const doneMs = await cluster.until(async () => {
        const entry = await latest();
        if (entry?.readyEndpoints !== (open ? 1 : 0) || entry.receivedMs < before) return undefined;
        return completedMs(entry, nodes);
      });
      if (open) tookMs.push(Math.max(0, doneMs - readyMs));
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
  return tookMs;
}

/** The k-th pod that is ready has arrived when the tables hold k ready endpoints. */
async function duringScaleUp(cluster: BenchCluster, ready: ReadyTimes, nodes: number): Promise<number[]> {
  await createService(cluster.client, BURST_SERVICE);
  await scaleUpBehind(cluster.client, BURST_SERVICE, BURST_PODS);
  await cluster.until(() => (ready.all("burst").length >= BURST_PODS ? true : undefined), 50);
  const steps = await cluster.until(async () => {
    const counts = stepsOf(await timeline(cluster, BURST_SERVICE, 5000), nodes);
    return (counts.at(-1)?.ready ?? 0) >= BURST_PODS ? counts : undefined;
  }, 50);
  return ready
    .all("burst")
    .sort((a, b) => a - b)
    .map((readyMs, i) => {
      const step = steps.find(({ ready: count }) => count > i);
      return Math.max(0, (step?.atMs ?? Number.POSITIVE_INFINITY) - readyMs);
    });
}

/** How many ready endpoints every table had, and since when. */
function stepsOf(entries: readonly TimelineEntry[], nodes: number): { ready: number; atMs: number }[] {
  const bySlice = new Map<string, number>();
  const steps: { ready: number; atMs: number }[] = [];
  for (const entry of entries) {
    if (entry.readyEndpoints === undefined) continue;
    const atMs = completedMs(entry, nodes);
    if (atMs === undefined) break;
    bySlice.set(entry.object, entry.readyEndpoints);
    steps.push({ ready: [...bySlice.values()].reduce((sum, count) => sum + count, 0), atMs });
  }
  return steps;
}

async function timeline(cluster: BenchCluster, service: string, limit: number): Promise<TimelineEntry[]> {
  const path = `/timeline?service=${encodeURIComponent(service)}&limit=${limit}`;
  return (await cluster.admin<TimelineEntry[]>("proxy", path)) ?? [];
}

/** When pods became ready or stopped being so, as a watch tells it. */
class ReadyTimes {
  readonly #controller = new AbortController();
  readonly #pods = new Map<string, { app: string; ready: boolean; sinceMs: number }>();
  #failure: unknown;

  constructor({ signal }: BenchContext, { client }: BenchCluster, labelSelector: string) {
    const ended = AbortSignal.any([signal, this.#controller.signal]);
    const follow = async (): Promise<void> => {
      const { metadata } = await client.list(pods, { namespace: "default", limit: 1 });
      const resourceVersion = metadata.resourceVersion ?? "0";
      const watch = client.watch(pods, {
        namespace: "default",
        labelSelector,
        resourceVersion,
        signal: ended,
      });
      for await (const { object } of watch) this.#note(object);
    };
    follow().catch((err: unknown) => (this.#failure = err));
  }

  /** When the pod of this app went to `ready`, if that was after `fromMs`. */
  since(app: string, ready: boolean, fromMs: number): number | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const found = [...this.#pods.values()].find((pod) => pod.app === app);
    return found?.ready === ready && found.sinceMs >= fromMs ? found.sinceMs : undefined;
  }

  all(app: string): number[] {
    if (this.#failure !== undefined) throw this.#failure;
    return [...this.#pods.values()]
      .filter((pod) => pod.app === app && pod.ready)
      .map(({ sinceMs }) => sinceMs);
  }

  close(): void {
    this.#controller.abort();
  }

  #note({ metadata, status }: Pod): void {
    const ready =
      status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
    if (this.#pods.get(metadata.name)?.ready === ready) return;
    this.#pods.set(metadata.name, { app: metadata.labels?.app ?? "", ready, sinceMs: Date.now() });
  }
}

/** A durable write over bare HTTPS, which no way from the API to a table can do without. */
async function bareWriteMs({ scope, quick }: BenchContext, cluster: BenchCluster): Promise<number> {
  const { server, ca, kubeletClient } = loadPki(cluster.dir.pki);
  const { port } = await startServer(scope, "https", { tls: server, file: `${workDir(scope)}/floor.db` });
  const result = await runJob(scope, "requests", {
    target: { host: "127.0.0.1", port, tls: { ca, ...kubeletClient } },
    request: { method: "POST", path: "/", body: podJson("floor-{n}") },
    clients: 1,
    warmUpMs: 200,
    durationMs: quick ? 300 : 1000,
  });
  return result.p50Ms;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { judge } from "../../chaos/judge.js";
import { type History, newHistory } from "../../chaos/history.js";
import { newScenario, newTraffic } from "../../chaos/scenario/defaults.js";
import { ClusterWatcher } from "../../chaos/watcher.js";
import type { RunningWorkload } from "../../chaos/workload.js";
import { workloads } from "../../chaos/workloads.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { CliCommand, CliContext } from "../command.js";
import { connect } from "../connect.js";
import { ConvergenceWatch } from "../demo/convergence.js";
import { acts, type Stage } from "../demo/story.js";
import { liveCluster } from "../live/live-cluster.js";
import { ClusterDir, UserError } from "../supervisor/cluster.js";
import { adminSocket } from "../supervisor/processes.js";
import type { ClusterStatus } from "../supervisor/supervisor.js";
import { currentStatus, parseUp, runCluster } from "./up.js";

const DEMO_MANIFESTS = fileURLToPath(new URL("../../../manifests/demo", import.meta.url));
/** Traffic goes on while nothing happens. */
const BETWEEN_ACTS_MS = 1000;
const INVARIANTS = ["request-budget", "only-selected-pods", "cluster-ip-stable", "failures-explained"];
const TRAFFIC_LIMIT_MS = 10 * 60_000;

const traffic = [
  newTraffic({ name: "inside", from: "pod", url: "http://web", perSecond: 50, timeoutMs: 3000 }),
  newTraffic({ name: "outside", from: "host", service: "web-nodeport", perSecond: 20, timeoutMs: 3000 }),
];

/** `npm run demo`: a Service survives everything that happens to its pods, told step by step. Exit code 0 if it did. */
export const demoCommand: CliCommand = {
  async run(args, context) {
    const dataDir = mkdtempSync(join(tmpdir(), "kubesim-demo-"));
    const options = parseUp(
      ["--name", "demo", "--data-dir", dataDir, "--api-port", "0", "--seed", "demo", ...args],
      "demo",
      "Plays the story of a Service in a cluster of its own, and ends.",
    );
    if (!options) return 0;
    const finished = new AbortController();
    context.signal.addEventListener("abort", () => finished.abort(), { once: true });
    let exitCode = 1;
    try {
      await runCluster(
        { ...options, quiet: true, filename: [DEMO_MANIFESTS] },
        { ...context, signal: finished.signal },
        async (status) => {
          exitCode = await tellStory(status, { ...context, signal: finished.signal });
          finished.abort(new Error("the story is told"));
        },
      );
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
    return exitCode;
  },
};

async function tellStory(status: ClusterStatus, context: CliContext): Promise<number> {
  const dir = new ClusterDir(status.dataDir);
  const file = dir.read();
  if (!file) throw new UserError(`${dir.path} holds no cluster`);
  const { client } = connect({ kubeconfig: dir.kubeconfig }, context);
  const cluster = liveCluster(client, dir.kubeconfig, context);
  const say = (line: string): void => void context.stdout.write(`   ${line}\n`);
  const convergence = new ConvergenceWatch({
    client,
    dataplane: adminSocket(file, "dataplane"),
    service: { namespace: "default", name: "web", selector: "app=web" },
    context,
  });
  const stage: Stage = {
    client,
    convergence,
    context,
    dir,
    say,
    status: async () => (await currentStatus(dir)) ?? status,
  };
  context.stdout.write(pc.bold("A Service and the death of its pods\n\n"));
  await convergence.until(3);
  say(
    `three pods behind ${pc.bold("web")}; a pod calls it 50 times a second, this machine its node port 20 times`,
  );
  const history = await underTraffic(cluster, context, () => playAll(stage));
  cluster.close();
  return verdict(history, context);
}

async function playAll(stage: Stage): Promise<void> {
  for (const [i, act] of acts.entries()) {
    stage.context.stdout.write(`\n${pc.bold(`${i + 1}. ${act.title}`)}\n`);
    await act.play(stage);
    await stage.context.clock.sleep(BETWEEN_ACTS_MS, stage.context.signal);
  }
}

/** Plays while traffic runs; answers with all that happened. */
async function underTraffic(
  cluster: ReturnType<typeof liveCluster>,
  context: CliContext,
  play: () => Promise<void>,
): Promise<History> {
  const rng = seededRng("demo");
  const watching = new AbortController();
  const watcher = new ClusterWatcher(cluster);
  const { done } = await watcher.start(watching.signal);
  const stopTraffic = new AbortController();
  const running: RunningWorkload[] = [];
  for (const spec of traffic) {
    const ofThis = {
      cluster,
      rng: rng.fork(spec.name),
      durationMs: TRAFFIC_LIMIT_MS,
      signal: stopTraffic.signal,
    };
    running.push(await workloads[spec.from].prepare(ofThis, spec));
  }
  const startedAtMs = context.clock.nowMs();
  const operations = Promise.all(running.map((workload) => workload.run()));
  try {
    await play();
  } finally {
    stopTraffic.abort();
  }
  const sent = (await operations).flat();
  const endedAtMs = context.clock.nowMs();
  const flows = await cluster.flows(startedAtMs, endedAtMs);
  await Promise.all(running.map((workload) => workload.dispose()));
  watching.abort();
  await done;
  return newHistory({
    scenario: "demo",
    seed: "demo",
    startedAtMs,
    endedAtMs,
    operations: sent,
    flows,
    pods: watcher.pods,
    services: watcher.services,
  });
}

function verdict(history: History, context: CliContext): number {
  const scenario = newScenario({
    name: "demo",
    seed: "demo",
    durationMs: history.endedAtMs - history.startedAtMs,
    traffic: [...traffic],
    invariants: INVARIANTS.map((name) => ({ name, parameters: {} })),
    budgets: { failedRequests: 0 },
  });
  const report = judge(scenario, history);
  context.stdout.write(`\n${pc.bold("What the traffic saw")}\n`);
  for (const { invariant, verdict: found } of report.verdicts) {
    context.stdout.write(
      `   ${found.held ? pc.green("held") : pc.red("violated")}  ${invariant}: ${found.summary}\n`,
    );
    for (const violation of found.violations) context.stdout.write(`         ${violation}\n`);
  }
  return report.held ? 0 : 1;
}

import { spawn } from "node:child_process";
import { get } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { BenchContext, Benchmark } from "../harness/benchmark.js";
import { Scope } from "../harness/scope.js";
import { median } from "../harness/statistics.js";
import { Unavailable } from "../harness/unavailable.js";
import { RawClient, requestText } from "../jobs/raw-client.js";

const BARE_PROCESSES = fileURLToPath(new URL("../floors/bare-processes.js", import.meta.url));
const AIM_MS = 1500;
const POLL_MS = 5;

interface Start {
  apiReadyMs: number;
  firstAnswerMs: number;
  bareMs: number;
}

/** From the moment `node dist/cli/main.js up -f manifests/demo` is started, with an empty data directory. */
export const coldStart: Benchmark = {
  name: "cold-start",
  title: "Cold start of three nodes, manifests/demo applied",
  limitMs: { quick: 30_000, full: 90_000 },
  async run(context) {
    const rounds = context.quick ? 2 : 5;
    const starts: Start[] = [];
    for (let round = 0; round < rounds; round++) {
      context.progress(`round ${round + 1} of ${rounds}`);
      const bareMs = await bareStart();
      starts.push({ bareMs, ...(await clusterStart(context)) });
    }
    const floors = [{ name: "six bare Node.js processes", values: starts.map(({ bareMs }) => bareMs) }];
    const firstAnswers = starts.map(({ firstAnswerMs }) => firstAnswerMs);
    return [
      { name: "up to API ready", unit: "ms", values: starts.map(({ apiReadyMs }) => apiReadyMs), floors },
      {
        name: "up to first answer through a Service",
        unit: "ms",
        values: firstAnswers,
        floors,
        aim: { text: "within 1.5 s", met: median(firstAnswers) <= AIM_MS },
      },
    ];
  },
};

function bareStart(): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BARE_PROCESSES], { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", () => resolve(performance.now() - startedMs));
  });
}

async function clusterStart(context: BenchContext): Promise<Omit<Start, "bareMs">> {
  const scope = new Scope();
  context.scope.defer(() => scope.close());
  const startedMs = performance.now();
  const cluster = BenchCluster.launch({ ...context, scope }, { manifests: [DEMO_MANIFESTS] });
  const sinceStart = (): number => performance.now() - startedMs;
  const file = await cluster.until(() => cluster.file, POLL_MS);
  const apiReady = cluster
    .until(() => isReady(file.apiPort, cluster.dir.kubeconfig), POLL_MS)
    .then(() => sinceStart());
  const nodePort = cluster.nodePort(file);
  // So early it cannot be this cluster's answer.
  if (await answers(nodePort))
    throw new Unavailable(`somebody else answers at ${nodePort.host}:${nodePort.port}`);
  const firstAnswer = cluster.until(() => answers(nodePort), POLL_MS).then(() => sinceStart());
  const [apiReadyMs, firstAnswerMs] = await Promise.all([apiReady, firstAnswer]);
  await scope.close();
  return { apiReadyMs, firstAnswerMs };
}

async function isReady(port: number, kubeconfig: string): Promise<true | undefined> {
  // A bare connection is cheap to try; TLS only once somebody listens.
  if (!(await listens(port))) return undefined;
  const { ca, cert, key } = loadKubeconfig(kubeconfig);
  const tls = { ca: String(ca), cert: String(cert), key: String(key) };
  try {
    const client = await RawClient.connect({ host: "127.0.0.1", port, tls });
    const { status } = await client.send(requestText({ method: "GET", path: "/readyz" }, 0));
    client.close();
    return status === 200 ? true : undefined;
  } catch {
    return undefined;
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", settle(true));
    socket.once("error", settle(false));
  });

const answers = (at: { host: string; port: number }): Promise<true | undefined> =>
  new Promise((resolve) => {
    const call = get({ ...at, path: "/", agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode === 200 ? true : undefined));
      response.once("error", () => resolve(undefined));
    });
    call.once("error", () => resolve(undefined));
  });

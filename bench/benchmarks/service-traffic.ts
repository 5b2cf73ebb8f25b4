import { get } from "node:http";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { interleave } from "../harness/statistics.js";
import type { Target } from "../jobs/raw-client.js";

const CLIENTS = 32;

/** From the host through a node port to a pod's web server, beside a plain server and a bare relay in front of it. */
export const serviceTraffic: Benchmark = {
  name: "service-traffic",
  title: "Traffic through a NodePort",
  limitMs: { quick: 30_000, full: 90_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const cluster = await BenchCluster.start(context, { manifests: [DEMO_MANIFESTS] });
    const file = await cluster.until(() => cluster.file);
    const nodePort: Target = cluster.nodePort(file);
    const page = await cluster.until(() => pageAt(nodePort));
    const direct = { host: "127.0.0.1", ...(await startServer(scope, "http", { body: page })) };
    const relay = {
      host: "127.0.0.1",
      ...(await startServer(scope, "relay", { upstreamPort: direct.port })),
    };
    const durations = quick ? { warmUpMs: 250, durationMs: 700 } : { warmUpMs: 500, durationMs: 2000 };
    const request = { method: "GET", path: "/" };
    const requestsTo = (target: Target) => async () =>
      rateOf(await runJob(scope, "requests", { target, clients: CLIENTS, request, ...durations }));
    const connectionsTo = (target: Target) => async () =>
      rateOf(await runJob(scope, "connections", { target, clients: CLIENTS, path: "/", ...durations }));
    const compare = (to: (target: Target) => () => Promise<number>) =>
      interleave(
        [
          { name: "nodePort", run: to(nodePort) },
          { name: "relay", run: to(relay) },
          { name: "direct", run: to(direct) },
        ],
        quick ? 1 : 3,
        signal,
      );
    const measureOf = (name: string, samples: Awaited<ReturnType<typeof compare>>): Measure => ({
      name,
      unit: "/s",
      values: samples.nodePort,
      floors: [
        { name: "bare TCP relay to a bare server", values: samples.relay },
        { name: "bare server, direct", values: samples.direct },
      ],
    });
    progress("requests over kept connections");
    const requests = measureOf(`requests, ${CLIENTS} clients`, await compare(requestsTo));
    progress("a connection for each request");
    return [requests, measureOf(`connections, ${CLIENTS} clients`, await compare(connectionsTo))];
  },
};

export const pageAt = ({ host, port }: Target): Promise<string | undefined> =>
  new Promise((resolve) => {
    const call = get({ host, port, path: "/", agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", () => resolve(undefined));
      response.once("end", () =>
        resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString("utf8") : undefined),
      );
    });
    call.once("error", () => resolve(undefined));
  });

import { ingresses } from "../../machinery/api/networking-v1.js";
import { startHaproxy } from "../floors/haproxy.js";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { inTurns, type Results, sampleOf, type Ways, without } from "../harness/in-turns.js";
import { local, pageAt } from "../harness/targets.js";
import type { Target } from "../jobs/raw-client.js";
import type { RequestsResult } from "../jobs/requests.js";

const CLIENTS = 32;
const INGRESS_PORT = 30_081;
const BARE = "bare Node.js HTTP proxy to a bare server";
const RELAY = "bare TCP relay to a bare server";

/** From the host through the Ingress controller to a pod's web server, beside other L7 proxies in front of a plain one. */
export const ingress: Benchmark = {
  name: "ingress",
  title: "Traffic through an Ingress",
  limitMs: { quick: 45_000, full: 180_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const cluster = await BenchCluster.start(context, {
      manifests: [DEMO_MANIFESTS],
      extraArgs: ["--ingress"],
    });
    const file = await cluster.until(() => cluster.file);
    await createIngress(cluster);
    const through: Target = cluster.nodePort(file, INGRESS_PORT);
    const nodePort: Target = cluster.nodePort(file);
    const page = await cluster.until(() => pageAt(through));
    await cluster.until(() => pageAt(nodePort));
    const direct = await startServer(scope, "http", { body: page });
    const haproxy = await startHaproxy(scope, direct.port, signal);
    const ways: Ways = {
      Ingress: through,
      [BARE]: local(await startServer(scope, "reverse-proxy", { upstreamPort: direct.port })),
      "NodePort of the same Service": nodePort,
      [RELAY]: local(await startServer(scope, "relay", { upstreamPort: direct.port })),
      "bare server, direct": local(direct),
      ...(haproxy ? { "HAProxy to a bare server": local(haproxy) } : {}),
    };
    const durations = quick ? { warmUpMs: 150, durationMs: 400 } : { warmUpMs: 500, durationMs: 2000 };
    const job = { request: { method: "GET", path: "/" }, path: "/", ...durations };
    const rounds = quick ? 1 : 3;
    progress("requests over kept connections");
    const requests = await inTurns(ways, rounds, signal, (target) =>
      runJob(scope, "requests", { target, clients: CLIENTS, ...job }),
    );
    progress("a connection for each request");
    const connections = await inTurns(quick ? without(ways, [RELAY]) : ways, rounds, signal, (target) =>
      runJob(scope, "connections", { target, clients: CLIENTS, ...job }),
    );
    progress("one client, one request at a time");
    const single = await inTurns(quick ? without(ways, [RELAY]) : ways, rounds, signal, (target) =>
      runJob(scope, "requests", { target, clients: 1, ...job }),
    );
    return [
      toMeasure(`requests, ${CLIENTS} clients`, "/s", requests, rateOf),
      toMeasure(`connections, ${CLIENTS} clients`, "/s", connections, rateOf),
      toMeasure(`latency p50, ${CLIENTS} clients`, "ms", requests, ({ p50Ms }) => p50Ms),
      toMeasure(`latency p99, ${CLIENTS} clients`, "ms", requests, ({ p99Ms }) => p99Ms),
      toMeasure("latency p50, one client", "ms", single, ({ p50Ms }) => p50Ms),
      toMeasure("latency p99, one client", "ms", single, ({ p99Ms }) => p99Ms),
    ];
  },
};

/** Every host and path to the demo's Service. */
async function createIngress(cluster: BenchCluster): Promise<void> {
  const backend = { service: { name: "web", port: { number: 80 } } };
  await cluster.client.create(ingresses, {
    metadata: { name: "web", namespace: "default" },
    spec: {
      ingressClassName: "nginx",
      rules: [{ http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  });
}

const toMeasure = (
  name: string,
  unit: string,
  results: Results,
  of: (result: RequestsResult) => number,
): Measure => ({
  name,
  unit,
  values: sampleOf(results, "Ingress", of),
  floors: Object.keys(results)
    .filter((way) => way !== "Ingress")
    .map((way) => ({ name: way, values: sampleOf(results, way, of) })),
});

import { ingresses } from "../../machinery/api/networking-v1.js";
import { startHaproxy } from "../floors/haproxy.js";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { Benchmark, Measure, Sample } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { interleave } from "../harness/statistics.js";
import { local, pageAt } from "../harness/targets.js";
import type { Target } from "../jobs/raw-client.js";

const CLIENTS = 32;
const INGRESS_PORT = 30_081;

/** From the host through the Ingress controller to a pod's web server, beside other L7 proxies in front of a plain one. */
export const ingress: Benchmark = {
  name: "ingress",
  title: "Traffic through an Ingress",
  limitMs: { quick: 30_000, full: 90_000 },
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
    const direct = local(await startServer(scope, "http", { body: page }));
    const relay = local(await startServer(scope, "relay", { upstreamPort: direct.port }));
    const bare = local(await startServer(scope, "reverse-proxy", { upstreamPort: direct.port }));
    const haproxy = await startHaproxy(scope, direct.port, signal);
    const durations = quick ? { warmUpMs: 250, durationMs: 700 } : { warmUpMs: 500, durationMs: 2000 };
    const requestsTo = (target: Target) => async () =>
      rateOf(
        await runJob(scope, "requests", {
          target,
          clients: CLIENTS,
          request: { method: "GET", path: "/" },
          ...durations,
        }),
      );
    progress("requests over kept connections");
    const samples = await interleave<string>(
      [
        { name: "ingress", run: requestsTo(through) },
        { name: "bare", run: requestsTo(bare) },
        { name: "nodePort", run: requestsTo(nodePort) },
        { name: "relay", run: requestsTo(relay) },
        { name: "direct", run: requestsTo(direct) },
        ...(haproxy ? [{ name: "haproxy", run: requestsTo(local(haproxy)) }] : []),
      ],
      quick ? 1 : 3,
      signal,
    );
    return [toMeasure(samples)];
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

const toMeasure = (samples: Readonly<Record<string, Sample>>): Measure => ({
  name: `requests, ${CLIENTS} clients`,
  unit: "/s",
  values: samples["ingress"] ?? [],
  floors: [
    { name: "bare Node.js HTTP proxy to a bare server", values: samples["bare"] ?? [] },
    { name: "NodePort of the same Service", values: samples["nodePort"] ?? [] },
    { name: "bare TCP relay to a bare server", values: samples["relay"] ?? [] },
    { name: "bare server, direct", values: samples["direct"] ?? [] },
    ...(samples["haproxy"] ? [{ name: "HAProxy to a bare server", values: samples["haproxy"] }] : []),
  ],
});

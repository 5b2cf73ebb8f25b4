import { startHaproxy } from "../floors/haproxy.js";
import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { median } from "../harness/statistics.js";
import { inTurns, type Results, sampleOf, type Ways, without } from "../harness/in-turns.js";
import { local, pageAt } from "../harness/targets.js";
import { virtualTargets } from "../harness/virtual-targets.js";
import type { Target } from "../jobs/raw-client.js";
import type { RequestsResult } from "../jobs/requests.js";
import { measureBytes } from "./service-bytes.js";

const CLIENTS = 32;
const AIM_SHARE = 0.5;
const AIM_ADDED_US = 100;

const NODE_PORT = "NodePort";
const CLUSTER_IP = "ClusterIP";
const POD = "the pod itself, no data plane";
const RELAY = "bare TCP relay to a bare server";
const DIRECT = "bare server, direct";
const HAPROXY = "HAProxy (TCP) to a bare server";
const RELAY_TO_POD = "bare TCP relay to the pod";

/** From the host by a node port and from a pod by the ClusterIP to a pod's web server, beside servers and relays with nothing to decide. */
export const serviceTraffic: Benchmark = {
  name: "service-traffic",
  title: "Traffic through a Service",
  limitMs: { quick: 60_000, full: 240_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const cluster = await BenchCluster.start(context, { manifests: [DEMO_MANIFESTS] });
    const nodePort: Target = cluster.nodePort(await cluster.until(() => cluster.file));
    const page = await cluster.until(() => pageAt(nodePort));
    const { clusterIp, pod } = await virtualTargets(cluster, "web");
    const ways = await waysBeside(context, { body: page, nodePort, clusterIp, pod });
    const durations = quick ? { warmUpMs: 150, durationMs: 400 } : { warmUpMs: 500, durationMs: 2000 };
    const rounds = quick ? 1 : 3;
    const job = { request: { method: "GET", path: "/" }, path: "/", ...durations };
    progress("requests over kept connections");
    const requests = await inTurns(ways, rounds, signal, (target) =>
      runJob(scope, "requests", { target, clients: CLIENTS, ...job }),
    );
    progress("a connection for each request");
    const connections = await inTurns(
      quick ? without(ways, [RELAY_TO_POD, POD]) : ways,
      rounds,
      signal,
      (target) => runJob(scope, "connections", { target, clients: CLIENTS, ...job }),
    );
    progress("one client, one request at a time");
    const single = await inTurns(quick ? without(ways, [HAPROXY]) : ways, rounds, signal, (target) =>
      runJob(scope, "requests", { target, clients: 1, ...job }),
    );
    progress("large answers");
    return [
      ...rates(`requests, ${CLIENTS} clients`, requests),
      ...rates(`connections, ${CLIENTS} clients`, connections),
      ...latencies(requests, `${CLIENTS} clients`),
      ...latencies(single, "one client"),
      ...[NODE_PORT, CLUSTER_IP].map((way) => added(single, way)),
      ...(await measureBytes(context, cluster)),
    ];
  },
};

async function waysBeside(
  { scope, signal }: Parameters<Benchmark["run"]>[0],
  { body, nodePort, clusterIp, pod }: { body: string; nodePort: Target; clusterIp: Target; pod: Target },
): Promise<Ways> {
  const direct = await startServer(scope, "http", { body });
  const toPod = { upstreamPort: pod.port, ...(pod.preamble === undefined ? {} : { preamble: pod.preamble }) };
  const haproxy = await startHaproxy(scope, direct.port, signal, "tcp");
  return {
    [NODE_PORT]: nodePort,
    [CLUSTER_IP]: clusterIp,
    [RELAY]: local(await startServer(scope, "relay", { upstreamPort: direct.port })),
    [RELAY_TO_POD]: local(await startServer(scope, "relay", toPod)),
    [POD]: pod,
    [DIRECT]: local(direct),
    ...(haproxy ? { [HAPROXY]: local(haproxy) } : {}),
  };
}

const floorsOf = (results: Results, of: (result: RequestsResult) => number) =>
  Object.keys(results)
    .filter((way) => way !== NODE_PORT && way !== CLUSTER_IP)
    .map((name) => ({ name, values: sampleOf(results, name, of) }));

function rates(what: string, results: Results): Measure[] {
  const floors = floorsOf(results, rateOf);
  return [NODE_PORT, CLUSTER_IP].map((way) => {
    const values = sampleOf(results, way, rateOf);
    const share = median(values) / median(floors[0]?.values ?? []);
    return {
      name: `${way}, ${what}`,
      unit: "/s",
      values,
      floors,
      aim: { text: "at least half of the relay", met: share >= AIM_SHARE },
      ...(HAPROXY in results ? {} : { note: "without HAProxy, which is not installed" }),
    };
  });
}

const latencies = (results: Results, clients: string): Measure[] =>
  [NODE_PORT, CLUSTER_IP].flatMap((way) =>
    (["p50Ms", "p99Ms"] as const).map((quantile) => ({
      name: `${way}, latency ${quantile.slice(0, 3)}, ${clients}`,
      unit: "ms",
      values: sampleOf(results, way, (result) => result[quantile]),
      floors: floorsOf(results, (result) => result[quantile]).filter(
        ({ name }) => name !== POD && name !== RELAY_TO_POD,
      ),
    })),
  );

/** What the way through the data plane costs one request, above the pod's own time; a bare relay's cost beside it. */
function added(single: Results, way: string): Measure {
  const p50Us = (name: string): number => 1000 * median(sampleOf(single, name, ({ p50Ms }) => p50Ms));
  const us = p50Us(way) - p50Us(POD);
  return {
    name: `${way}, added to a request, one client`,
    unit: "µs",
    values: [us],
    floors: [{ name: "added by a bare TCP relay to the pod", values: [p50Us(RELAY_TO_POD) - p50Us(POD)] }],
    aim: { text: `under ${AIM_ADDED_US} µs`, met: us < AIM_ADDED_US },
  };
}

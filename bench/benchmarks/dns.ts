import { BenchCluster, DEMO_MANIFESTS } from "../harness/bench-cluster.js";
import type { Benchmark } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { interleave } from "../harness/statistics.js";

const CLIENTS = 32;
const NAME = "web.default.svc.cluster.local";

/** From the host through kube-dns to a pod of coredns, beside an echo of datagrams. */
export const dns: Benchmark = {
  name: "dns",
  title: "Cluster DNS",
  limitMs: { quick: 30_000, full: 60_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const cluster = await BenchCluster.start(context, { manifests: [DEMO_MANIFESTS] });
    const port = await cluster.until(async () => (await cluster.until(() => cluster.file)).dnsPort);
    const echo = await startServer(scope, "datagrams", {});
    const durations = quick ? { warmUpMs: 250, durationMs: 700 } : { warmUpMs: 500, durationMs: 2000 };
    const queriesTo = (to: number) => async (): Promise<number> => {
      const { perSecond, wrong } = await runJob(scope, "queries", {
        port: to,
        name: NAME,
        clients: CLIENTS,
        ...durations,
      });
      if (wrong > 0) throw new Error(`${wrong} answers had no address`);
      return perSecond;
    };
    progress("waiting for coredns");
    const probe = { port, name: NAME, clients: 1, warmUpMs: 0, durationMs: 100 };
    await cluster.until(async () => {
      const { perSecond, wrong } = await runJob(scope, "queries", probe);
      return perSecond > 0 && wrong === 0 ? true : undefined;
    });
    progress("queries over UDP");
    const samples = await interleave(
      [
        { name: "dns", run: queriesTo(port) },
        { name: "echo", run: queriesTo(echo.port) },
      ],
      quick ? 1 : 3,
      signal,
    );
    return [
      {
        name: `queries, ${CLIENTS} under way`,
        unit: "/s",
        values: samples.dns,
        floors: [{ name: "bare echo of datagrams", values: samples.echo }],
      },
    ];
  },
};

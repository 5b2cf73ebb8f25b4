import { join } from "node:path";
import { configMaps } from "../../machinery/api/core-v1.js";
import { startApiServer } from "../harness/bench-api-server.js";
import type { Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { quantile } from "../harness/statistics.js";
import { BURST_WRITERS, type WatchersResult } from "../jobs/watchers.js";
import { configMapJson } from "./bodies.js";

const PATH = "/api/v1/namespaces/default/configmaps";

export const watchFanOut: Benchmark = {
  name: "watch-fan-out",
  title: "One change, many watchers",
  limitMs: { quick: 30_000, full: 90_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const watchers = quick ? 200 : 1000;
    const rounds = quick ? 1 : 3;
    const api = await startApiServer(context);
    const created = await Promise.all(
      Array.from({ length: BURST_WRITERS }, (_, writer) =>
        api.client.create(configMaps, JSON.parse(configMapJson(`fan-out-${writer}`))),
      ),
    );
    const bare = await startServer(scope, "https", { tls: api.tls, file: join(api.dir, "floor.db") });
    const body = JSON.stringify({
      metadata: { name: "fan-out-{w}", namespace: "default", labels: created[0]?.metadata.labels },
      data: { ...created[0]?.data, n: "{n}-{n}" },
    });
    const measure = async (port: number, round: number): Promise<WatchersResult> => {
      signal.throwIfAborted();
      // Each round changes the data to something new.
      const write = {
        method: "PATCH",
        path: `${PATH}/fan-out-{w}`,
        contentType: "application/merge-patch+json",
      };
      const { metadata } = await api.client.list(configMaps, { namespace: "default", limit: 1 });
      return runJob(scope, "watchers", {
        target: { ...api.target, port },
        watchers,
        watchPath: `${PATH}?watch=true&resourceVersion=${metadata.resourceVersion}`,
        write: { ...write, body: body.replaceAll("{n}-{n}", `${round}-{n}`) },
        singles: quick ? 10 : 30,
        burst: quick ? 20 : 50,
      });
    };
    const results: { api: WatchersResult; https: WatchersResult }[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}, ${watchers} watchers`);
      results.push({ api: await measure(api.target.port, round), https: await measure(bare.port, round) });
    }
    return measuresOf(results, watchers);
  },
};

function measuresOf(
  results: readonly { api: WatchersResult; https: WatchersResult }[],
  watchers: number,
): Measure[] {
  const line = (name: string, unit: string, of: (result: WatchersResult) => number): Measure => ({
    name,
    unit,
    values: results.map(({ api }) => of(api)),
    floors: [{ name: "bare HTTPS, same frames", values: results.map(({ https }) => of(https)) }],
  });
  return [
    line(`write to last of ${watchers} watchers, p50`, "ms", (result) => quantile(result.lastWatcherMs, 0.5)),
    line(`write to last of ${watchers} watchers, p99`, "ms", (result) =>
      quantile(result.lastWatcherMs, 0.99),
    ),
    line(`events to ${watchers} watchers`, "/s", (result) => result.eventsPerSecond),
  ];
}

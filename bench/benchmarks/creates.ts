import { join } from "node:path";
import { startApiServer } from "../harness/bench-api-server.js";
import type { Benchmark, BenchContext, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { interleave, median } from "../harness/statistics.js";
import type { RequestTemplate, Target } from "../jobs/raw-client.js";
import { configMapJson, podJson } from "./bodies.js";

const CLIENTS = [1, 32, 256] as const;
const AIM_AT_CLIENTS = 32;
const AIM_RATIO = 0.5;

const createConfigMap: RequestTemplate = {
  method: "POST",
  path: "/api/v1/namespaces/default/configmaps",
  body: configMapJson("create-{n}"),
};
const createPod: RequestTemplate = {
  method: "POST",
  path: "/api/v1/namespaces/default/pods",
  body: podJson("create-{n}"),
};

/** Acknowledged means durable: every create is on disk before it is answered, here and in the floors. */
export const creates: Benchmark = {
  name: "creates",
  title: "Durable creates (WAL, synchronous=FULL)",
  limitMs: { quick: 45_000, full: 240_000 },
  async run(context) {
    const { quick, scope, progress } = context;
    const { dir, target, tls } = await startApiServer(context);
    const floorPort = async (name: "https" | "express"): Promise<Target> => ({
      ...target,
      ...(await startServer(scope, name, { tls, file: join(dir, `${name}-floor.db`) })),
    });
    const servers = {
      api: target,
      https: await floorPort("https"),
      express: await floorPort("express"),
      dir,
    };
    progress("warming up");
    // Once and for longer than a round: code that is compiled while it is measured measures the compiler.
    const warm = new Posts(context, { warmUpMs: 0, durationMs: quick ? 1200 : 2000 });
    for (const request of [createConfigMap, createPod]) await warm.to(servers.api, request, 32)();
    for (const floor of [servers.https, servers.express]) await warm.to(floor, createConfigMap, 32)();
    const measures: Measure[] = [];
    for (const clients of CLIENTS) {
      progress(`${clients} clients`);
      measures.push(...(await measureClients(context, servers, clients)));
    }
    return measures;
  },
};

interface Servers {
  api: Target;
  https: Target;
  express: Target;
  dir: string;
}

async function measureClients(context: BenchContext, servers: Servers, clients: number): Promise<Measure[]> {
  const { quick, scope, signal } = context;
  const durations = quick ? { warmUpMs: 150, durationMs: 600 } : { warmUpMs: 500, durationMs: 1500 };
  const posts = new Posts(context, durations);
  const file = join(servers.dir, "rows.db");
  const value = configMapJson("row");
  // One client's writes come one by one; those of many share transactions.
  const raw = { ...durations, file, rowsPerTransaction: clients, value };
  const { configMaps, https, express, rows, pods, httpsPods } = await interleave(
    [
      { name: "configMaps", run: posts.to(servers.api, createConfigMap, clients) },
      { name: "https", run: posts.to(servers.https, createConfigMap, clients) },
      { name: "express", run: posts.to(servers.express, createConfigMap, clients) },
      { name: "rows", run: () => runJob(scope, "rows", raw) },
      { name: "pods", run: posts.to(servers.api, createPod, clients) },
      { name: "httpsPods", run: posts.to(servers.https, createPod, clients) },
    ],
    quick ? 1 : 3,
    signal,
  );
  const bareHttps = "bare HTTPS + JSON + group commit";
  return [
    {
      name: `ConfigMaps, ${plural(clients)}`,
      unit: "/s",
      values: configMaps,
      floors: [
        { name: bareHttps, values: https },
        { name: "bare Express + group commit", values: express },
        { name: `raw SQLite, ${clients === 1 ? "one row" : `${clients} rows`} a transaction`, values: rows },
      ],
      ...aim(clients, median(configMaps) / median(https)),
    },
    {
      name: `Pods, ${plural(clients)}`,
      unit: "/s",
      values: pods,
      floors: [{ name: bareHttps, values: httpsPods }],
      ...aim(clients, median(pods) / median(httpsPods)),
    },
  ];
}

/** More than a load can use up. */
const NAMES_PER_LOAD = 1_000_000;
let nextName = 0;

/** Load on one of the servers, every object with a name of its own. */
class Posts {
  readonly #context: BenchContext;
  readonly #durations: { warmUpMs: number; durationMs: number };

  constructor(context: BenchContext, durations: { warmUpMs: number; durationMs: number }) {
    this.#context = context;
    this.#durations = durations;
  }

  to(target: Target, request: RequestTemplate, clients: number): () => Promise<number> {
    return async () => {
      const from = nextName;
      nextName += NAMES_PER_LOAD;
      const options = { target, request, clients, from, ...this.#durations };
      return rateOf(await runJob(this.#context.scope, "requests", options));
    };
  }
}

const plural = (clients: number): string => (clients === 1 ? "1 client" : `${clients} clients`);

const aim = (clients: number, ratio: number): Pick<Measure, "aim"> =>
  clients === AIM_AT_CLIENTS ? { aim: { text: "at least half of bare HTTPS", met: ratio >= AIM_RATIO } } : {};

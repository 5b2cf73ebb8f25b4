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
  limitMs: { quick: 40_000, full: 240_000 },
  async run(context) {
    const { quick, scope } = context;
    const api = await startApiServer(context);
    const https = await startServer(scope, "https", { tls: api.tls, file: join(api.dir, "https-floor.db") });
    const express = await startServer(scope, "express", {
      tls: api.tls,
      file: join(api.dir, "express-floor.db"),
    });
    const measures: Measure[] = [];
    const durations = quick ? { warmUpMs: 250, durationMs: 600 } : { warmUpMs: 500, durationMs: 1500 };
    const posts = new Posts(context, durations);
    for (const clients of CLIENTS) {
      context.progress(`${clients} clients`);
      const rows = (rowsPerTransaction: number) => () =>
        runJob(scope, "rows", {
          ...durations,
          file: join(api.dir, "rows.db"),
          rowsPerTransaction,
          value: configMapJson("row"),
        });
      const samples = await interleave(
        [
          { name: "configMaps", run: posts.to(api.target, createConfigMap, clients) },
          { name: "https", run: posts.to({ ...api.target, port: https.port }, createConfigMap, clients) },
          { name: "express", run: posts.to({ ...api.target, port: express.port }, createConfigMap, clients) },
          { name: "rows", run: rows(1) },
          { name: "batches", run: rows(clients) },
          { name: "pods", run: posts.to(api.target, createPod, clients) },
          { name: "httpsPods", run: posts.to({ ...api.target, port: https.port }, createPod, clients) },
        ],
        quick ? 1 : 3,
        context.signal,
      );
      measures.push({
        name: `ConfigMaps, ${plural(clients)}`,
        unit: "/s",
        values: samples.configMaps,
        floors: [
          { name: "bare HTTPS + JSON + group commit", values: samples.https },
          { name: "bare Express + group commit", values: samples.express },
          { name: "raw SQLite, one row a transaction", values: samples.rows },
          ...(clients > 1
            ? [{ name: `raw SQLite, ${clients} rows a transaction`, values: samples.batches }]
            : []),
        ],
        ...aim(clients, median(samples.configMaps) / median(samples.https)),
      });
      measures.push({
        name: `Pods, ${plural(clients)}`,
        unit: "/s",
        values: samples.pods,
        floors: [{ name: "bare HTTPS + JSON + group commit", values: samples.httpsPods }],
        ...aim(clients, median(samples.pods) / median(samples.httpsPods)),
      });
    }
    return measures;
  },
};

/** Load on one of the servers, every object with a name of its own. */
class Posts {
  readonly #context: BenchContext;
  readonly #durations: { warmUpMs: number; durationMs: number };
  #from = 0;

  constructor(context: BenchContext, durations: { warmUpMs: number; durationMs: number }) {
    this.#context = context;
    this.#durations = durations;
  }

  to(target: Target, request: RequestTemplate, clients: number): () => Promise<number> {
    return async () => {
      const from = this.#from;
      this.#from += 1_000_000;
      const options = { target, request, clients, from, ...this.#durations };
      return rateOf(await runJob(this.#context.scope, "requests", options));
    };
  }
}

const plural = (clients: number): string => (clients === 1 ? "1 client" : `${clients} clients`);

const aim = (clients: number, ratio: number): Pick<Measure, "aim"> =>
  clients === AIM_AT_CLIENTS ? { aim: { text: "at least half of bare HTTPS", met: ratio >= AIM_RATIO } } : {};

import { configMaps } from "../../machinery/api/core-v1.js";
import { startApiServer } from "../harness/bench-api-server.js";
import type { Benchmark } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { interleave } from "../harness/statistics.js";
import type { Target } from "../jobs/raw-client.js";
import { configMapJson, podJson } from "./bodies.js";

const CLIENTS = 32;
const WRITERS = 64;

export const reads: Benchmark = {
  name: "reads",
  title: "Get and list",
  limitMs: { quick: 40_000, full: 120_000 },
  async run(context) {
    const { quick, scope, signal, progress } = context;
    const rounds = quick ? 1 : 3;
    const podCount = quick ? 2000 : 10_000;
    const api = await startApiServer(context);
    const stored = await api.client.create(configMaps, JSON.parse(configMapJson("read-me")));
    const path = `/api/v1/namespaces/default/configmaps/${stored.metadata.name}`;
    const bare = await startServer(scope, "https", { tls: api.tls, body: JSON.stringify(stored) });
    const express = await startServer(scope, "express", { tls: api.tls, body: JSON.stringify(stored) });
    const load = (port: number) => async () => {
      const request = { method: "GET", path };
      const target: Target = { ...api.target, port };
      const durations = quick ? { warmUpMs: 250, durationMs: 700 } : { warmUpMs: 500, durationMs: 1500 };
      return rateOf(await runJob(scope, "requests", { target, request, clients: CLIENTS, ...durations }));
    };
    progress("get");
    const gets = await interleave(
      [
        { name: "api", run: load(api.target.port) },
        { name: "https", run: load(bare.port) },
        { name: "express", run: load(express.port) },
      ],
      rounds,
      signal,
    );
    progress(`${podCount} pods`);
    const lists = await listPods(context, api, podCount, rounds);
    return [
      {
        name: `get, ${CLIENTS} clients`,
        unit: "/s",
        values: gets.api,
        floors: [
          { name: "bare HTTPS, same bytes", values: gets.https },
          { name: "bare Express, same bytes", values: gets.express },
        ],
      },
      {
        name: `list of ${podCount} pods`,
        unit: "ms",
        values: lists.api,
        floors: [{ name: "bare HTTPS, as many bytes", values: lists.https }],
        note: `${(lists.bytes / 1024 / 1024).toFixed(1)} MB, one client`,
      },
    ];
  },
};

async function listPods(
  { scope, signal }: Parameters<Benchmark["run"]>[0],
  api: Awaited<ReturnType<typeof startApiServer>>,
  count: number,
  rounds: number,
): Promise<{ api: readonly number[]; https: readonly number[]; bytes: number }> {
  const path = "/api/v1/namespaces/default/pods";
  const request = { method: "POST", path, body: podJson("listed-{n}") };
  const filling = { target: api.target, request, clients: WRITERS, count, warmUpMs: 0, durationMs: 60_000 };
  rateOf(await runJob(scope, "requests", filling));
  const first = await runJob(scope, "fetches", { target: api.target, path, count: 1 });
  const bare = await startServer(scope, "https", { tls: api.tls, body: "x".repeat(first.bytes) });
  const fetch = (port: number) => async () => {
    const target = { ...api.target, port };
    const { ms } = await runJob(scope, "fetches", { target, path, count: 3 });
    return Math.min(...ms);
  };
  const samples = await interleave(
    [
      { name: "api", run: fetch(api.target.port) },
      { name: "https", run: fetch(bare.port) },
    ],
    rounds,
    signal,
  );
  return { ...samples, bytes: first.bytes };
}

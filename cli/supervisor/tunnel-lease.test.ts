import { afterEach, expect, test } from "@jest/globals";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../machinery/api/logger.js";
import type { Service } from "../../machinery/api/core-v1.js";
import { TransportError } from "../../machinery/api/http.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { clearBalancerStatus } from "../live/balancer-status.js";
import { ClusterDir, type ClusterFile } from "./cluster.js";
import { TunnelLease } from "./tunnel-lease.js";

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const service = (name: string, type: string, ip?: string, loadBalancerClass?: string) =>
  ({
    metadata: { name, namespace: "default" },
    spec: { type, ...(loadBalancerClass ? { loadBalancerClass } : {}) },
    status: { loadBalancer: ip ? { ingress: [{ ip }] } : {} },
  }) as unknown as Service;

test("only addresses of this cluster's tunnel are taken back, also from a server that is starting anew", async () => {
  const cleared: string[] = [];
  let starting = 2;
  const client = {
    list: () => {
      if (starting-- > 0) return Promise.reject(new TransportError("connection refused"));
      return Promise.resolve({
        items: [
          service("ours", "LoadBalancer", "127.3.1.1"),
          service("shared", "LoadBalancer", "127.0.0.1"),
          service("cloud", "LoadBalancer", "203.0.113.7"),
          service("theirs", "LoadBalancer", "127.33.1.1"),
          service("class", "LoadBalancer", "127.3.1.2", "other.dev/lb"),
          service("pending", "LoadBalancer"),
          service("plain", "ClusterIP"),
        ],
      });
    },
    patch: (_: unknown, { name }: { name: string }) => Promise.resolve(cleared.push(name)),
  } as unknown as RestClient;
  const clock = { ...systemClock(), sleep: () => Promise.resolve() };

  expect(await clearBalancerStatus({ client, clock }, 3)).toBe(2);
  expect(cleared).toEqual(["ours", "shared"]);
});

test("there is one tunnel at a time, and its mark stays until its addresses are taken back", async () => {
  const path = mkdtempSync(join(tmpdir(), "kubesim-tunnel-"));
  dirs.push(path);
  const cluster = { loopbackIndex: 3 } as ClusterFile;
  const lease = new TunnelLease({
    dir: new ClusterDir(path),
    cluster,
    clock: systemClock(),
    logger: silentLogger,
    launch: {},
  });
  const hold = async (signal: AbortSignal) => {
    const handler = lease.handlers()["GET /tunnel/lease"];
    const lines = (await handler?.({
      query: new URLSearchParams(),
      body: undefined,
      signal,
    })) as AsyncIterable<object>;
    return lines[Symbol.asyncIterator]();
  };
  const first = new AbortController();
  const held = await hold(first.signal);
  expect((await held.next()).value).toEqual({ held: true });
  await expect(hold(first.signal)).rejects.toThrow("another tunnel is running");

  first.abort();
  expect((await held.next()).done).toBe(true);

  // Without a kubeconfig nothing could be taken back: the next start tries again.
  const next = await hold(new AbortController().signal);
  expect((await next.next()).value).toEqual({ held: true });
  expect(existsSync(join(path, "tunnel"))).toBe(true);
});

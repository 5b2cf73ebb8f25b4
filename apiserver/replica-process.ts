import { join } from "node:path";
import type { Clock } from "../machinery/api/clock.js";
import type { HttpHandler, HttpRequest, HttpResponse } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import { parseRequestInfo, splitQuery } from "../machinery/api/request-info.js";
import { newMethodNotSupported } from "../machinery/api/status.js";
import { adminStream, startAdminServer } from "../machinery/runtime/admin-server.js";
import { breakableProcess } from "../machinery/runtime/breakable.js";
import { MetricsRegistry } from "../machinery/runtime/metrics.js";
import { ensureServerPki } from "../machinery/runtime/pki.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { unpredictableSeed } from "../machinery/runtime/system-secrets.js";
import { firstServiceIp } from "./bootstrap.js";
import { statusAnswer } from "./handlers/answer.js";
import { serveApi } from "./http/serve-api.js";
import { ApiServerMetrics } from "./metrics.js";
import { newServer } from "./new-server.js";
import type { ApiServerProcessOptions } from "./options.js";
import { type RunningApiServer, stopServing } from "./process.js";
import { PortAllocator } from "./registry/allocators/port-allocator.js";
import { type FeedLine, Replica } from "./storage/replication.js";
import { joinNetwork } from "./virtual-host.js";

/**
 * A read-only API server that follows another one (`--follow`), `--lag` behind: what a client sees that reads from a stale
 * replica. It has no file, runs no loop of the cluster's, and refuses writes with 405.
 */
export async function startReplica(
  options: ApiServerProcessOptions & { follow: string },
  logger: Logger,
  signal: AbortSignal,
): Promise<RunningApiServer> {
  const { clock, faults } = breakableProcess(options.chaos);
  const rng = seededRng(options.seed ?? unpredictableSeed()).fork("replica");
  const replica = await Replica.start(replicaOptions(options, clock, logger), signal);
  const pki = ensureServerPki(join(options.dataDir, "pki"), firstServiceIp(options.serviceClusterIpRange));
  const { host, close: leaveNetwork } = joinNetwork(options, clock, rng.fork("network"));
  const { first, last } = options.serviceNodePortRange;
  const registry = new MetricsRegistry();
  const server = newServer({
    options,
    logger,
    clock,
    rng,
    storage: replica.storage,
    pki,
    metrics: new ApiServerMetrics(registry),
    host,
    nodePorts: new PortAllocator(first, last),
  });
  await server.start();
  const edge = serveApi({
    handler: readOnly(server),
    clock,
    logger,
    tls: { ...pki.server, clientCa: pki.ca },
  });
  const port = await edge.listen(options.securePort, options.bindAddress);
  const admin = options.adminSocket
    ? await startAdminServer(options.adminSocket, {
        "GET /health": () => ({ ready: true, port }),
        "GET /metrics": () => registry.expose(),
        "GET /replica": () => ({
          revision: replica.storage.revision,
          waiting: replica.waiting,
          lagMs: options.lag,
        }),
        ...faults.handlers(),
      })
    : undefined;
  // What it can no longer follow it must not serve: its supervisor starts it anew.
  replica.run(signal).catch((err: unknown) => {
    logger.error("The leader cannot be followed any more", { err });
    process.exit(1);
  });
  return {
    address: `https://${options.bindAddress}:${port}`,
    async stop() {
      await admin?.close();
      await stopServing(server, edge, clock);
      leaveNetwork();
    },
  };
}

const replicaOptions = (
  { follow, lag, history }: ApiServerProcessOptions & { follow: string },
  clock: Clock,
  logger: Logger,
) => ({
  clock,
  logger,
  lagMs: lag,
  historyMs: history,
  feed: (after: number | undefined, signal: AbortSignal) =>
    adminStream(
      follow,
      `/storage/feed${after === undefined ? "" : `?after=${after}`}`,
      signal,
    ) as AsyncIterable<FeedLine>,
});

const READS: ReadonlySet<string> = new Set(["get", "list", "watch", "head", "options"]);
/** Questions that are asked by POST and store nothing. */
const QUESTIONS: ReadonlySet<string> = new Set(["authorization.k8s.io", "authentication.k8s.io"]);

/** Refuses what would change something. */
export function readOnly(inner: HttpHandler): HttpHandler {
  return {
    async request(request, signal) {
      return refusal(request) ?? inner.request(request, signal);
    },
    async upgrade(request, upgrade, signal) {
      return refusal(request) ?? inner.upgrade(request, upgrade, signal);
    },
  };
}

function refusal({ method, path: target }: HttpRequest): HttpResponse | undefined {
  const { path, search } = splitQuery(target);
  const { verb, group, resource } = parseRequestInfo(method, path, new URLSearchParams(search));
  if (READS.has(verb) || QUESTIONS.has(group)) return undefined;
  return statusAnswer(newMethodNotSupported({ group, resource }, verb).status);
}

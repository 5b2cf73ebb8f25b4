import { join } from "node:path";
import type { Clock } from "../machinery/api/clock.js";
import { events } from "../machinery/api/core-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import { startCarrier } from "../machinery/network/carrier.js";
import type { Rng } from "../machinery/api/rng.js";
import type { HttpEdge } from "../machinery/network/edge/http-server.js";
import { type AdminHandlers, startAdminServer } from "../machinery/runtime/admin-server.js";
import { ownPid, sendSignal } from "../machinery/runtime/host.js";
import { laterThisTurn } from "../machinery/runtime/later-this-turn.js";
import { breakableProcess } from "../machinery/runtime/breakable.js";
import { MetricsRegistry } from "../machinery/runtime/metrics.js";
import { ensureServerPki } from "../machinery/runtime/pki.js";
import { addProcessMetrics } from "../machinery/runtime/process-metrics.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { unpredictableSeed } from "../machinery/runtime/system-secrets.js";
import type { ApiServer } from "./api-server.js";
import { bootstrap, firstServiceIp } from "./bootstrap.js";
import { prepareDataDir } from "./data-dir.js";
import { EventExpiry } from "./event-expiry.js";
import { newServer } from "./new-server.js";
import { serveApi } from "./http/serve-api.js";
import { ApiServerMetrics } from "./metrics.js";
import type { ApiServerProcessOptions } from "./options.js";
import { ServiceRepair } from "./repair/service-repair.js";
import { PortAllocator } from "./registry/allocators/port-allocator.js";
import type { StorageEngine } from "./storage/engine.js";
import { defineCompaction, StoreFaults } from "./storage/store-faults.js";
import { RequestFaults } from "./request-faults.js";
import { feed } from "./storage/replication.js";
import { writeOwner } from "./storage/owner.js";
import { openSqliteStorage } from "./storage/sqlite-storage.js";
import { clusterToken, joinNetwork, VIRTUAL_ADDRESS } from "./virtual-host.js";

/** What is left of the two seconds that a stop may take, once requests were asked to end. */
const STOP_GRACE_MS = 1000;

export interface RunningApiServer {
  address: string;
  stop(): Promise<void>;
}

type Stop = () => void | Promise<void>;

/** Everything that `kubesim apiserver` is made of. Rejects with nothing left open. */
export async function startApiServer(
  options: ApiServerProcessOptions,
  logger: Logger,
): Promise<RunningApiServer> {
  const stops: Stop[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    return { address: await start(options, logger, stops), stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

/** In the order in which one part needs another; stopped in the reverse order. */
async function start(options: ApiServerProcessOptions, logger: Logger, stops: Stop[]): Promise<string> {
  prepareDataDir(options.dataDir);
  const { clock, faults } = breakableProcess(options.chaos);
  const rng = seededRng(options.seed ?? unpredictableSeed()).fork("apiserver");
  const registry = new MetricsRegistry();
  const metrics = new ApiServerMetrics(registry);
  const storeFaults = newStoreFaults(clock, rng.fork("store-faults"));
  storeFaults.define(faults);
  const { file, storage } = await openStorage(options, logger, clock, metrics, storeFaults);
  stops.push(() => storage.close());
  const serviceIp = firstServiceIp(options.serviceClusterIpRange);
  const pki = ensureServerPki(join(options.dataDir, "pki"), serviceIp);
  const { network, host, close: leaveNetwork } = joinNetwork(options, clock, rng.fork("network"));
  stops.push(leaveNetwork);
  const { first, last } = options.serviceNodePortRange;
  const nodePorts = new PortAllocator(first, last);
  const server = newServer({ options, logger, clock, rng, storage, pki, metrics, host, nodePorts });
  metrics.collectFrom(server, storage);
  addProcessMetrics(registry);
  await bootstrap({
    store: (descriptor) => server.store(descriptor),
    address: VIRTUAL_ADDRESS,
    serviceCidrs: options.serviceClusterIpRange,
  });
  const repair = newServiceRepair(server, nodePorts, clock, logger);
  await repair.sweep();
  await server.start();
  stops.push(keepRunning(new EventExpiry({ events: server.store(events), clock, logger })));
  stops.push(keepRunning(repair));
  defineCompaction(faults, storage);
  const breakable = new RequestFaults(server, { clock, rng: rng.fork("faults") });
  breakable.define(faults);
  const edge = serveApi({
    handler: options.chaos ? breakable : server,
    clock,
    logger,
    tls: { ...pki.server, clientCa: pki.ca },
  });
  stops.push(() => stopServing(server, edge, clock));
  const port = await edge.listen(options.securePort, options.bindAddress);
  const address = `https://${options.bindAddress}:${port}`;
  writeOwner(file, { pid: ownPid(), address });
  host.listen(VIRTUAL_ADDRESS.port, (connection) => edge.accept(connection));
  if (options.carrier) {
    const carrier = await startCarrier(options.carrier, clusterToken(options), network);
    stops.push(() => carrier.close());
  }
  if (options.adminSocket) {
    const admin = await startAdminServer(options.adminSocket, {
      ...adminHandlers(registry, storage, port),
      ...faults.handlers(),
    });
    stops.push(() => admin.close());
  }
  return address;
}

const newServiceRepair = (
  server: ApiServer,
  nodePorts: PortAllocator,
  clock: Clock,
  logger: Logger,
): ServiceRepair =>
  new ServiceRepair({ store: (descriptor) => server.store(descriptor), nodePorts, clock, logger });

/** Runs a loop of the server's own until it is stopped. */
function keepRunning(loop: { run(signal: AbortSignal): Promise<void> }): Stop {
  const abort = new AbortController();
  const running = loop.run(abort.signal);
  return async () => {
    abort.abort();
    await running;
  };
}

async function openStorage(
  options: ApiServerProcessOptions,
  logger: Logger,
  clock: Clock,
  metrics: ApiServerMetrics,
  faults: StoreFaults,
): Promise<{ file: string; storage: StorageEngine }> {
  const file = join(options.dataDir, "kubesim.db");
  const storage = await openSqliteStorage({
    file,
    clock,
    logger,
    durability: options.durability,
    historyMs: options.history,
    owner: { pid: ownPid(), address: `https://${options.bindAddress}:${options.securePort}` },
    onCommit: (commit) => metrics.onCommit(commit),
    ...(options.chaos ? { faults } : {}),
  });
  return { file, storage };
}

const newStoreFaults = (clock: Clock, rng: Rng): StoreFaults =>
  new StoreFaults({
    clock,
    rng,
    schedule: laterThisTurn,
    crash: () => {
      sendSignal(ownPid(), "SIGKILL");
      // The signal is on its way; nothing may happen before it arrives.
      for (;;);
    },
  });

const adminHandlers = (registry: MetricsRegistry, storage: StorageEngine, port: number): AdminHandlers => ({
  "GET /health": () => {
    const reason = storage.health();
    return { ready: reason === undefined, ...(reason ? { reason } : {}), port };
  },
  "GET /metrics": () => registry.expose(),
  "GET /storage": () => ({
    revision: storage.revision,
    compactedRevision: storage.compactedRevision,
    keys: storage.count(""),
    watches: storage.watchCount,
  }),
  "GET /storage/feed": ({ query, signal }) => {
    const after = query.get("after");
    return feed(storage, after === null ? undefined : Number(after), signal);
  },
});

/** Watches end first; what still runs is cut when the grace is over. */
export async function stopServing(server: ApiServer, edge: HttpEdge, clock: Clock): Promise<void> {
  const grace = clock.sleep(STOP_GRACE_MS);
  await Promise.race([server.stop(), grace]);
  await edge.close(STOP_GRACE_MS / 2);
}

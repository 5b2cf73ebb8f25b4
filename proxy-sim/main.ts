import { readFileSync } from "node:fs";
import type { Transport } from "../machinery/api/http.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { httpTransport } from "../machinery/client/http-transport.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { startCarrier } from "../machinery/network/carrier.js";
import { startAdminServer } from "../machinery/runtime/admin-server.js";
import { breakableProcess } from "../machinery/runtime/breakable.js";
import { jsonLogger } from "../machinery/runtime/json-logger.js";
import { loadKubeconfig } from "../machinery/runtime/kubeconfig.js";
import { type CommonOptions, processCommand } from "../machinery/runtime/options.js";
import { addProcessMetrics } from "../machinery/runtime/process-metrics.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { shutdownSignal } from "../machinery/runtime/shutdown.js";
import { unpredictableSeed } from "../machinery/runtime/system-secrets.js";
import { balancerNamed, balancers } from "./balancers/balancers.js";
import { modeFile } from "./mode-file.js";
import { dataPlaneClient } from "./data-plane-client.js";
import { defineProxyFaults } from "./fault-points.js";
import { defaultProxyConfig, Proxy } from "./proxy.js";

interface Options extends CommonOptions {
  dataplaneAdmin?: string;
  proxyMode: string;
  minSyncPeriod: string;
  syncPeriod: string;
  watchPerNode?: boolean;
  modeFile?: string;
}

/** `kubesim proxy`: Services and EndpointSlices in, tables out. */
export async function main(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  if (!options.dataplaneAdmin) throw new RangeError("--dataplane-admin is required");
  const mode = balancerNamed(options.proxyMode);
  if (!mode) throw new RangeError(`unknown proxy mode "${options.proxyMode}"`);
  const signal = shutdownSignal(
    options.supervisorFd === undefined ? undefined : Number(options.supervisorFd),
  );
  const logger = jsonLogger({ component: "proxy" }, options.logLevel);
  const { clock, faults } = breakableProcess(options.chaos);
  const access = loadKubeconfig(options.kubeconfig ?? "kubeconfig");
  const transport = httpTransport(access);
  const replica = (server: string): Transport => httpTransport({ ...access, server });
  const rng = seededRng(options.seed ?? unpredictableSeed()).fork("proxy");
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const newClient = (name: string): RestClient =>
    new RestClient({
      transport: options.chaos ? apiFaults.wrap(transport, name, replica) : transport,
      clock,
      userAgent: "kube-proxy/v1.36.0 (kubesim)",
    });
  const proxy = new Proxy({
    client: newClient("proxy"),
    clientFor: (node) => newClient(`proxy/${node}`),
    dataPlane: dataPlaneClient(options.dataplaneAdmin, clock),
    clock,
    rng,
    logger,
    config: {
      mode: mode.name,
      minSyncPeriodMs: milliseconds(options.minSyncPeriod),
      syncPeriodMs: milliseconds(options.syncPeriod),
      watchedNodes: watchedNodes(options.watchPerNode),
    },
    ...(options.modeFile === undefined ? {} : { modeStore: modeFile(options.modeFile) }),
    ...(options.carrier === undefined ? {} : { carrier: options.carrier }),
  });
  const token = options.clusterTokenFile ? readFileSync(options.clusterTokenFile, "utf8").trim() : "";
  const carrier = options.carrier ? await startCarrier(options.carrier, token, proxy.health) : undefined;
  addProcessMetrics(proxy.metrics.registry);
  defineProxyFaults(faults, proxy);
  const admin = options.adminSocket
    ? await startAdminServer(options.adminSocket, { ...proxy.adminHandlers(), ...faults.handlers() })
    : undefined;
  await proxy.run(signal);
  proxy.health.close();
  await Promise.all([admin?.close(), carrier?.close()]);
  transport.close();
}

const parseOptions = (argv: readonly string[]): Options =>
  processCommand("proxy", "Run the proxy: watch Services and program the data plane")
    .option("--dataplane-admin <path>", "admin socket of the data plane")
    .option(
      "--proxy-mode <mode>",
      `iptables, ipvs; or by balancer: ${balancers.map((b) => b.name).join(", ")}`,
      "iptables",
    )
    .option(
      "--min-sync-period <duration>",
      "least time between two syncs, such as 1s or 20ms",
      `${defaultProxyConfig.minSyncPeriodMs}ms`,
    )
    .option(
      "--sync-period <duration>",
      "everything is sent again at the latest after this time",
      `${defaultProxyConfig.syncPeriodMs / 60_000}m`,
    )
    .option("--watch-per-node", `watches of its own for every node (default: up to ${WATCHED_NODES} nodes)`)
    .option("--no-watch-per-node", "one stream for all nodes, however few")
    .option("--mode-file <path>", "where modes that were switched at run time outlast the process")
    .parse(["node", "proxy", ...argv])
    .opts<Options>();

function milliseconds(duration: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(duration) ?? [];
  if (number === undefined) throw new RangeError(`not a duration: "${duration}"`);
  return Number(number) * (UNITS[unit ?? "ms"] ?? 1);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const WATCHED_NODES = 10;

const watchedNodes = (asked: boolean | undefined): number => {
  if (asked === undefined) return WATCHED_NODES;
  return asked ? Number.POSITIVE_INFINITY : 0;
};

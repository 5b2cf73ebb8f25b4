import { createHash } from "node:crypto";
import { InvalidArgumentError } from "commander";
import type { Transport } from "../machinery/api/http.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { httpTransport } from "../machinery/client/http-transport.js";
import { adminStream, startAdminServer } from "../machinery/runtime/admin-server.js";
import { breakableProcess } from "../machinery/runtime/breakable.js";
import { jsonLogger } from "../machinery/runtime/json-logger.js";
import { loadKubeconfig } from "../machinery/runtime/kubeconfig.js";
import { MetricsRegistry } from "../machinery/runtime/metrics.js";
import { addProcessMetrics } from "../machinery/runtime/process-metrics.js";
import { type CommonOptions, processCommand } from "../machinery/runtime/options.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { shutdownSignal } from "../machinery/runtime/shutdown.js";
import { unpredictableSeed } from "../machinery/runtime/system-secrets.js";
import type { Clock } from "../machinery/api/clock.js";
import type { SocketAddress } from "../machinery/network/network.js";
import { ControllerManager } from "./controller-manager.js";
import { allControllers } from "./controllers.js";
import { defineControllerFaults } from "./fault-points.js";
import { parseRanges } from "./nodeipam/pod-cidrs.js";
import { HostCloud } from "./service/host-cloud.js";

interface Options extends CommonOptions {
  leaderElect: boolean;
  identity?: string;
  controllers: string;
  concurrentSyncs: string;
  podCidr?: string;
  cloud?: string;
  loopbackIndex: string;
}

/** `kubesim controllers`: everything that reconciles, and the scheduler. */
export async function main(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  const signal = shutdownSignal(
    options.supervisorFd === undefined ? undefined : Number(options.supervisorFd),
  );
  const logger = jsonLogger({ component: "controllers" }, options.logLevel);
  const access = loadKubeconfig(options.kubeconfig ?? "kubeconfig");
  const transport = httpTransport(access);
  const replica = (server: string): Transport => httpTransport({ ...access, server });
  const metrics = new MetricsRegistry();
  addProcessMetrics(metrics);
  const { clock, faults } = breakableProcess(options.chaos);
  const rng = seededRng(options.seed ?? unpredictableSeed()).fork("controllers");
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const manager = new ControllerManager({
    metrics,
    transport: options.chaos ? apiFaults.wrap(transport, "controllers", replica) : transport,
    clock,
    rng,
    logger,
    leaderElect: options.leaderElect,
    // One instance, one admin socket: after a restart it takes its own lease back at once.
    ...(options.identity || options.adminSocket
      ? { identity: options.identity ?? `controllers_${shortHash(options.adminSocket ?? "")}` }
      : {}),
    caCertificate: access.ca?.toString(),
    podCidr: options.podCidr,
    ...(options.cloud ? { cloud: hostCloud(options.cloud, Number(options.loopbackIndex), clock) } : {}),
    concurrentSyncs: Number(options.concurrentSyncs),
    controllers: options.controllers.split(","),
  });
  defineControllerFaults(faults, manager);
  const admin = options.adminSocket
    ? await startAdminServer(options.adminSocket, { ...manager.adminHandlers(), ...faults.handlers() })
    : undefined;
  await manager.run(signal);
  await admin?.close();
  transport.close();
}

/** The data plane plays the cloud. */
const hostCloud = (adminSocket: string, loopbackIndex: number, clock: Clock): HostCloud =>
  new HostCloud({
    clock,
    loopbackIndex,
    lease: (query, signal) =>
      adminStream(adminSocket, `/load-balancers/lease?${query.toString()}`, signal) as AsyncIterable<{
        actual: SocketAddress;
      }>,
  });

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

function podCidrOption(text: string): string {
  if (!parseRanges(text))
    throw new InvalidArgumentError("must be a CIDR, or one of each family, that holds a node's /24 or /64.");
  return text;
}

const parseOptions = (argv: readonly string[]): Options =>
  processCommand("controllers", "Run the controllers and the scheduler")
    .option("--leader-elect <bool>", "work only while holding the lease", (text) => text !== "false", true)
    .option("--identity <text>", "name of this instance in the lease")
    .option(
      "--controllers <names>",
      `which run: *, names, -name; known: ${allControllers.map(({ name }) => name).join(", ")}`,
      "*",
    )
    .option("--concurrent-syncs <count>", "keys that each controller works on at once", "5")
    .option("--cloud <socket>", "admin socket of the data plane, which gives Services load balancers")
    .option("--loopback-index <n>", "C of the balancers' addresses 127.C.1.n", "0")
    .option(
      "--pod-cidr <cidrs>",
      "range that nodes' pod CIDRs are cut from, or IPv4,IPv6 (default: both, as the node count asks)",
      podCidrOption,
    )
    .parse(["node", "controllers", ...argv])
    .opts<Options>();

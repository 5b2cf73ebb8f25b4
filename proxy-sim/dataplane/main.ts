import { whenAborted } from "../../machinery/api/when-aborted.js";
import { readFileSync } from "node:fs";
import { DEFAULT_SERVICE_CIDRS } from "../../machinery/api/networking-v1.js";
import { startAdminServer } from "../../machinery/runtime/admin-server.js";
import { breakableProcess } from "../../machinery/runtime/breakable.js";
import { openFilesLimit } from "../../machinery/runtime/host.js";
import { jsonLogger } from "../../machinery/runtime/json-logger.js";
import { type CommonOptions, processCommand } from "../../machinery/runtime/options.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { shutdownSignal } from "../../machinery/runtime/shutdown.js";
import { unpredictableSeed } from "../../machinery/runtime/system-secrets.js";
import { parseAddress } from "../../machinery/network/addresses.js";
import type { PublishedPort } from "./edge/published-ports.js";
import { startLiveDataPlane } from "./edge/live-data-plane.js";
import { defineDataPlaneFaults } from "./fault-points.js";

interface Options extends CommonOptions {
  route: Record<string, string>;
  loopbackIndex?: string;
  hostNodes?: string;
  serviceCidr: string;
  publish: PublishedPort[];
}

export async function main(argv: readonly string[]): Promise<void> {
  const options = processCommand("dataplane", "The nodes' kernels: routing tables, conntrack, relays")
    .option("--route <ip=socket>", "carrier of a host that is no node (repeatable)", collectRoute, {})
    .option("--loopback-index <n>", "also listen on 127.<n>.0.<node> for node ports")
    .option("--host-nodes <count>", "how many nodes get such an address")
    .option(
      "--publish <host=address>",
      "lead a port of this machine, TCP and UDP, to the cluster: 127.0.0.1:10053=10.96.0.10:53 (repeatable)",
      collectPublished,
      [],
    )
    .option("--service-cidr <cidrs>", "addresses of Services, comma-separated", DEFAULT_SERVICE_CIDRS.join())
    .parse([...argv], { from: "user" })
    .opts<Options>();
  const stopping = shutdownSignal(
    options.supervisorFd === undefined ? undefined : Number(options.supervisorFd),
  );
  const logger = jsonLogger({ component: "dataplane" }, options.logLevel);
  const { clock, faults } = breakableProcess(options.chaos);
  const { dataPlane, loadBalancers, close } = await startLiveDataPlane({
    clock,
    rng: seededRng(options.seed ?? unpredictableSeed()).fork("dataplane"),
    logger,
    carrierSocket: required(options.carrier, "--carrier"),
    clusterToken: readFileSync(required(options.clusterTokenFile, "--cluster-token-file"), "utf8").trim(),
    hosts: options.route,
    publish: options.publish,
    breakable: options.chaos === true,
    openFiles: openFilesLimit(),
    serviceCIDRs: options.serviceCidr.split(","),
    ...(options.loopbackIndex === undefined ? {} : { loopbackIndex: Number(options.loopbackIndex) }),
    ...(options.hostNodes === undefined ? {} : { hostNodes: Number(options.hostNodes) }),
  });
  defineDataPlaneFaults(faults, dataPlane);
  const admin = options.adminSocket
    ? await startAdminServer(options.adminSocket, {
        ...dataPlane.adminHandlers(),
        ...loadBalancers.adminHandlers(),
        ...faults.handlers(),
      })
    : undefined;
  logger.info("Data plane is ready", { carrier: options.carrier });
  await whenAborted(stopping);
  await Promise.all([admin?.close(), close()]);
  // Relays that are still open end with the process, as connections end with their kernel.
  process.exit(0);
}

function collectRoute(text: string, routes: Record<string, string>): Record<string, string> {
  const equals = text.indexOf("=");
  return { ...routes, [text.slice(0, equals)]: text.slice(equals + 1) };
}

function collectPublished(text: string, ports: PublishedPort[]): PublishedPort[] {
  const [host, to] = text.split("=").map(parseAddress);
  if (!host || !to) throw new RangeError(`not host=address: "${text}"`);
  return [...ports, { host, to }];
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new Error(`${option} is needed`);
  return value;
}

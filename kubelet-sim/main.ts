import { existsSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Transport } from "../machinery/api/http.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { httpTransport, type HttpTransportOptions } from "../machinery/client/http-transport.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { startCarrier } from "../machinery/network/carrier.js";
import { carrierUplink } from "../machinery/network/carrier-uplink.js";
import { ConnectionError } from "../machinery/network/network.js";
import type { Uplink } from "../machinery/network/uplink.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import { startAdminServer } from "../machinery/runtime/admin-server.js";
import { breakableProcess } from "../machinery/runtime/breakable.js";
import { jsonLogger } from "../machinery/runtime/json-logger.js";
import { findKubeconfig, loadKubeconfig } from "../machinery/runtime/kubeconfig.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { shutdownSignal } from "../machinery/runtime/shutdown.js";
import { unpredictableSeed } from "../machinery/runtime/system-secrets.js";
import { defineKubeletFaults } from "./fault-points.js";
import { corednsImage } from "./images/coredns/coredns.js";
import { DnsFaults } from "./images/coredns/dns-faults.js";
import type { Image } from "./images/image.js";
import { images as emulatedImages } from "./images/images.js";
import type { RuntimeRequest } from "./kubelet.js";
import { KubeletHost } from "./kubelet-host.js";
import { parseKubeletOptions } from "./options.js";
import { createRuntime } from "./runtime/runtime.js";
import { kubeletServing } from "./serve-kubelet.js";

const USER_AGENT = "kubelet/v1.36.0 (kubesim)";

/** Nodes are many and their requests small: a connection for each request at once would be handshakes for nothing. */
const CONNECTIONS_PER_NODE = 6;

export async function main(argv: readonly string[]): Promise<void> {
  const { options, nodes, latency } = parseKubeletOptions(argv);
  requireKubeconfig(options.kubeconfig);
  const signal = shutdownSignal(
    options.supervisorFd === undefined ? undefined : Number(options.supervisorFd),
  );
  const { clock, faults } = breakableProcess(options.chaos);
  const rng = seededRng(options.seed ?? unpredictableSeed());
  const logger = jsonLogger({ component: "kubelet" }, options.logLevel);
  const credentials = new Credentials(options.kubeconfig, options.credentialsDir);
  const token = options.clusterTokenFile ? readFileSync(options.clusterTokenFile, "utf8").trim() : "";
  const uplink = options.dataplane ? carrierUplink(options.dataplane, token) : noUplink;
  const network = new VirtualNetwork({ clock, rng: rng.fork("network"), uplink });
  const dnsFaults = new DnsFaults();
  dnsFaults.define(faults);
  const images = [...(await userImages(options.images)), ...emulatedImages, corednsImage(dnsFaults)];
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const breakable = (transportTo: (server?: string) => Transport, client: string): Transport =>
    options.chaos ? apiFaults.wrap(transportTo(), client, transportTo) : transportTo();
  const runtimeFor = (request: RuntimeRequest) =>
    createRuntime({
      ...request,
      network,
      clock,
      rng: rng.fork(`runtime/${request.nodeName}`),
      logger,
      images,
      ipReuse: options.ipReuse,
      latency,
      apiAccess: (bearer, pod) => breakable((server) => credentials.asBearer(bearer, server), `pods/${pod}`),
    });
  const newClient = (transport: Transport): RestClient =>
    new RestClient({ transport, clock, userAgent: USER_AGENT });
  const host = new KubeletHost({
    nodes,
    clientFor: (node) => newClient(breakable((server) => credentials.ofNode(node, server), node)),
    client: newClient(breakable((server) => credentials.shared(server), "kubelet")),
    runtimeFor,
    network,
    clock,
    rng,
    logger,
    config: options.carrier ? { carrier: options.carrier } : {},
    ...outsideNames(options.dnsUpstream),
    serve: kubeletServing({ tlsFor: (node) => credentials.serving(node), clock, logger }),
  });
  const carrier = options.carrier ? await startCarrier(options.carrier, token, network) : undefined;
  defineKubeletFaults(faults, host);
  const admin = options.adminSocket
    ? await startAdminServer(options.adminSocket, { ...host.adminHandlers(), ...faults.handlers() })
    : undefined;
  logger.info("Running kubelets", { nodes: nodes.length });
  await host.run(signal);
  await Promise.all([carrier?.close(), admin?.close()]);
  credentials.close();
  uplink.close?.();
  // Programs that still run end with their machine; they would keep the process alive.
  process.exit(0);
}

function requireKubeconfig(file: string): void {
  if (findKubeconfig(file)) return;
  writeSync(2, `kubesim kubelet: kubeconfig ${file} does not exist\n`);
  process.exit(1);
}

/** Each node has its own credential where there is one; the watches that all share use the process's. */
class Credentials {
  readonly #file: string;
  readonly #dir: string | undefined;
  #shared: Transport | undefined;
  readonly #open: { close(): void }[] = [];

  constructor(file: string, dir: string | undefined) {
    this.#file = file;
    this.#dir = dir;
  }

  /** `server`: another one than the kubeconfig names. */
  shared(server?: string): Transport {
    if (server !== undefined) return this.#transport({ ...loadKubeconfig(this.#file), server });
    this.#shared ??= this.#transport(loadKubeconfig(this.#file));
    return this.#shared;
  }

  ofNode(node: string, server?: string): Transport {
    const file = this.#fileOf(node);
    if (!file) return this.shared(server);
    const access = loadKubeconfig(file);
    return this.#transport({
      ...access,
      server: server ?? access.server,
      maxConnections: CONNECTIONS_PER_NODE,
    });
  }

  /** A pod's way to the API server. */
  asBearer(token: string, other?: string): Transport {
    const { server, ca } = loadKubeconfig(this.#file);
    return this.#transport({ server: other ?? server, ca, token });
  }

  serving(node: string): { key: string; cert: string; clientCa: string } | undefined {
    const { key, cert, ca } = loadKubeconfig(this.#fileOf(node) ?? this.#file);
    return key && cert && ca ? { key: String(key), cert: String(cert), clientCa: String(ca) } : undefined;
  }

  close(): void {
    for (const transport of this.#open) transport.close();
  }

  #transport(options: HttpTransportOptions): Transport {
    const transport = httpTransport(options);
    this.#open.push(transport);
    return transport;
  }

  #fileOf(node: string): string | undefined {
    const file = this.#dir && join(this.#dir, `node-${node}.kubeconfig`);
    return file && existsSync(file) ? file : undefined;
  }
}

const outsideNames = (file: string | undefined): { outsideNames?: () => string } =>
  file === undefined ? {} : { outsideNames: () => (existsSync(file) ? readFileSync(file, "utf8") : "") };

async function userImages(module: string | undefined): Promise<readonly Image[]> {
  if (module === undefined) return [];
  const loaded = (await import(pathToFileURL(resolve(module)).href)) as { images?: readonly Image[] };
  if (!Array.isArray(loaded.images)) throw new RangeError(`${module} exports no "images"`);
  return loaded.images;
}

/** Without a data plane pods run, but reach nobody. */
const noUplink: Uplink & { close?(): void } = {
  dial: () => Promise.reject(new ConnectionError("unreachable", "no data plane was named")),
  sendDatagram: () => {},
};

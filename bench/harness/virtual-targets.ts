import { readFileSync } from "node:fs";
import { carrierSocket } from "../../cli/supervisor/processes.js";
import { services } from "../../machinery/api/core-v1.js";
import { endpointSlices, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import { CarrierSession } from "../../machinery/network/carrier-session.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import { streamPreamble } from "../../machinery/network/preamble.js";
import type { Target } from "../jobs/raw-client.js";
import type { BenchCluster } from "./bench-cluster.js";

export interface VirtualTargets {
  /** Through the data plane, as a pod's own packets go. */
  clusterIp: Target;
  /** Straight to a pod's process, past the data plane: what the pod itself can do. */
  pod: Target;
}

/** Ways into the virtual network for load generators, from a pod that calls the Service. */
export async function virtualTargets(cluster: BenchCluster, service: string): Promise<VirtualTargets> {
  const at = { namespace: "default", name: service };
  const [{ spec }, slices] = await Promise.all([
    cluster.client.get(services, at),
    cluster.client.list(endpointSlices, { labelSelector: `${SERVICE_NAME_LABEL}=${service}` }),
  ]);
  const [slice] = slices.items;
  const [endpoint, other] = slice?.endpoints ?? [];
  const pod = { ip: endpoint?.addresses[0] ?? "", port: slice?.ports?.[0]?.port ?? 0 };
  const from = { ip: other?.addresses[0] ?? pod.ip, port: 40_000 };
  const to = { ip: spec.clusterIP ?? "", port: spec.ports?.[0]?.port ?? 80 };
  return {
    clusterIp: await behind(cluster, "dataplane", from, to),
    pod: await behind(cluster, "kubelet", from, pod),
  };
}

async function behind(
  cluster: BenchCluster,
  process: "dataplane" | "kubelet",
  from: SocketAddress,
  to: SocketAddress,
): Promise<Target> {
  const token = readFileSync(cluster.dir.tokenFile, "utf8").trim();
  const session = new CarrierSession(carrierSocket(await cluster.until(() => cluster.file), process), token);
  const port = await session.port();
  session.close();
  return { host: "127.0.0.1", port, preamble: streamPreamble(token, from, to) };
}

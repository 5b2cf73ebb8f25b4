import { readFileSync } from "node:fs";
import { nodes } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { addressInCidr } from "../../machinery/network/addresses.js";
import { CarrierSession } from "../../machinery/network/carrier-session.js";
import { ConnectionError } from "../../machinery/network/network.js";
import type { SocketConnection } from "../../machinery/network/socket-connection.js";
import { type ClusterAdmin, clusterAdmin, type WhichAdmin } from "../objects/cluster-admin.js";
import { resolveAsPod } from "../objects/pod-dns.js";
import { UserError } from "../supervisor/cluster.js";
import { carrierSocket } from "../supervisor/processes.js";
import { localCluster } from "./live-cluster.js";

/** Opens a connection to a host of the cluster. Rejects with ConnectionError. */
export type Dial = (host: string, port: number, signal?: AbortSignal) => Promise<SocketConnection>;

const FIRST_PORT = 32_768;
const PORTS = 28_232;

/** Connections into the cluster's network from an address inside it, through the data plane like any other. */
export class ClusterDialer {
  readonly #admin: ClusterAdmin;
  readonly #session: CarrierSession;
  #turn = 0;

  constructor(which: WhichAdmin) {
    this.#admin = clusterAdmin(which);
    const { dir, cluster } = localCluster(this.#admin.kubeconfig);
    const token = readFileSync(dir.tokenFile, "utf8").trim();
    this.#session = new CarrierSession(carrierSocket(cluster, "dataplane"), token);
  }

  get admin(): ClusterAdmin {
    return this.#admin;
  }

  /** As from a pod: names as its resolver finds them, and from `ip`. Each address is tried in turn. */
  from(ip: string, namespace: string): Dial {
    return async (host, port, signal) => {
      const { addresses } = await resolveAsPod(this.#admin, host, namespace).catch((err: unknown) => {
        if (err instanceof UserError) throw new ConnectionError("unreachable", err.message);
        throw err;
      });
      let failure = new ConnectionError("unreachable", `no address for ${host}`);
      for (const address of addresses)
        try {
          return await this.connect(ip, address, port, signal);
        } catch (err) {
          if (!(err instanceof ConnectionError)) throw err;
          failure = err;
        }
      throw failure;
    };
  }

  connect(from: string, to: string, port: number, signal?: AbortSignal): Promise<SocketConnection> {
    const local = FIRST_PORT + (this.#turn++ % PORTS);
    return this.#session.dial({ ip: from, port: local }, { ip: to, port }, signal);
  }

  close(): void {
    this.#session.close();
  }
}

/** An address of a node's pod range that no pod gets: its bridge. Throws UserError when there is no such node. */
export async function bridgeAddress(
  client: RestClient,
  name: string | undefined,
): Promise<{ node: string; nodeIP: string; ip: string }> {
  const { items } = await client.list(nodes);
  const node = name === undefined ? items[0] : items.find(({ metadata }) => metadata.name === name);
  if (!node)
    throw new UserError(name === undefined ? "the cluster has no nodes" : `node "${name}" not found`);
  const { podCIDR } = node.spec;
  if (!podCIDR) throw new UserError(`node ${node.metadata.name} has no pod range yet`);
  return {
    node: node.metadata.name,
    nodeIP: node.status.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "",
    ip: addressInCidr(podCIDR, 1),
  };
}

import { readFileSync } from "node:fs";
import { nodes } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { addressInCidr, formatAddress } from "../../machinery/network/addresses.js";
import { CarrierSession } from "../../machinery/network/carrier-session.js";
import { ConnectionError } from "../../machinery/network/network.js";
import type { SocketConnection } from "../../machinery/network/socket-connection.js";
import { type ClusterAdmin, clusterAdmin, type WhichAdmin } from "../objects/cluster-admin.js";
import { resolveAsPod } from "../objects/pod-dns.js";
import { UserError } from "../supervisor/cluster.js";
import { carrierSocket } from "../supervisor/processes.js";
import { localCluster } from "./live-cluster.js";
import type { Associate } from "./socks-datagrams.js";

/** Opens a connection to a host of the cluster. Rejects with ConnectionError. */
export type Dial = (host: string, port: number, signal?: AbortSignal) => Promise<SocketConnection>;

type UdpLine = { session: number } | { from: string; payload: string };

const MOST_NAMES = 256;
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

  /** UDP as from a pod at `ip`; names as its resolver finds them, each looked up once. */
  associateFrom(ip: string, namespace: string): Associate {
    return async (onDatagram, signal) => {
      const lines = this.#admin.stream<UdpLine>("dataplane", `/udp/lease?from=${ip}`, signal);
      const reader = lines[Symbol.asyncIterator]();
      const first = await reader.next();
      if (first.done || !("session" in first.value)) throw new ConnectionError("unreachable");
      const { session } = first.value;
      const receive = async (): Promise<void> => {
        for (let next = await reader.next(); !next.done; next = await reader.next())
          if ("from" in next.value) onDatagram(next.value.from, Buffer.from(next.value.payload, "base64"));
      };
      // Ends with the signal, or with the data plane; then answers are lost, as datagrams may be.
      receive().catch(() => {});
      const known = new Map<string, Promise<string | undefined>>();
      const addressOf = (host: string): Promise<string | undefined> => {
        let found = known.get(host);
        if (!found) {
          found = resolveAsPod(this.#admin, host, namespace).then(({ addresses }) => addresses[0]);
          if (known.size < MOST_NAMES) known.set(host, found);
        }
        return found;
      };
      return async (host, port, bytes) => {
        const address = await addressOf(host);
        if (address === undefined) return;
        const to = formatAddress({ ip: address, port });
        const payload = Buffer.from(bytes).toString("base64");
        await this.#admin.call("dataplane", "POST", "/udp/send", { session, to, payload });
      };
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
): Promise<{ node: string; nodeIPs: string[]; ip: string; ips: string[] }> {
  const { items } = await client.list(nodes);
  const node = name === undefined ? items[0] : items.find(({ metadata }) => metadata.name === name);
  if (!node)
    throw new UserError(name === undefined ? "the cluster has no nodes" : `node "${name}" not found`);
  const { podCIDR } = node.spec;
  if (!podCIDR) throw new UserError(`node ${node.metadata.name} has no pod range yet`);
  return {
    node: node.metadata.name,
    nodeIPs: (node.status.addresses ?? []).flatMap(({ type, address }) =>
      type === "InternalIP" ? [address] : [],
    ),
    ip: addressInCidr(podCIDR, 1),
    ips: (node.spec.podCIDRs ?? [podCIDR]).map((cidr) => addressInCidr(cidr, 1)),
  };
}

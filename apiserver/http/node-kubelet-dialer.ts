import type { Node } from "../../machinery/api/core-v1.js";
import { type Transport, TransportError } from "../../machinery/api/http.js";
import { networkTransport } from "../../machinery/network/edge/network-transport.js";
import type { Network } from "../../machinery/network/network.js";
import type { KubeletDialer } from "../registry/kubelet-dialer.js";

const KUBELET_PORT = 10250;
/** --kubelet-preferred-address-types, the addresses that can be dialled here. */
const PREFERRED_TYPES = ["InternalIP", "ExternalIP"];

export interface NodeKubeletDialerOptions {
  /** The API server's machine on the virtual network. */
  network: Network;
  nodeNamed: (name: string) => Node | undefined;
  /** The client certificate by which kubelets know the API server. */
  tls: { cert: string; key: string };
}

/** Reaches a node's kubelet at the address and port that the Node object tells. */
export class NodeKubeletDialer implements KubeletDialer {
  readonly #options: NodeKubeletDialerOptions;

  constructor(options: NodeKubeletDialerOptions) {
    this.#options = options;
  }

  to(name: string): Transport {
    const { network, tls } = this.#options;
    const node = this.#options.nodeNamed(name);
    const ip = node && addressOf(node);
    if (!ip) return unreachable(name, node);
    const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
    return networkTransport({ network, to: { ip, port }, tls });
  }
}

const addressOf = ({ status }: Node): string | undefined =>
  PREFERRED_TYPES.flatMap((type) => status.addresses?.filter((address) => address.type === type) ?? [])[0]
    ?.address;

function unreachable(name: string, node: Node | undefined): Transport {
  const fail = (): Promise<never> =>
    Promise.reject(
      new TransportError(
        node
          ? `no preferred addresses found; known addresses: [${node.status.addresses?.map(({ address }) => address).join(" ") ?? ""}]`
          : `nodes "${name}" not found`,
      ),
    );
  return { request: fail, upgrade: fail };
}

import type { Transport } from "../../machinery/api/http.js";

/** How the server reaches a node's kubelet: logs, exec, attach, port-forward, the node proxy. */
export interface KubeletDialer {
  /** A transport to the kubelet of the Node called `node`; its requests reject with TransportError when it is not there. */
  to(node: string): Transport;
}

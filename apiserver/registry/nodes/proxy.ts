import type { Node } from "../../../machinery/api/core-v1.js";
import { newBadRequest, newServiceUnavailable } from "../../../machinery/api/status.js";
import { type ProxyDialer, proxySubresource, reachAddress } from "../proxy.js";
import type { Subresource } from "../serve.js";

const KUBELET_PORT = 10250;

/** `nodes/NAME/proxy`: the node's kubelet, or another port of the node. */
export const nodeProxy = (dial: ProxyDialer | undefined): Subresource<Node> =>
  proxySubresource("Node", ({ object: node, kubelets }, target) => {
    const { port } = target;
    const kubeletPort = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
    if (port === "" || port === String(kubeletPort)) return { transport: kubelets.to(node.metadata.name) };
    if (!dial) throw newServiceUnavailable("this server is on no network");
    const ip = node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
    if (!ip || !/^\d+$/.test(port)) throw newBadRequest(`invalid node request "${port}"`);
    return reachAddress(dial, { ip, port: Number(port) }, target);
  });

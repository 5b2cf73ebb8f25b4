import type { Pod } from "../../../machinery/api/core-v1.js";
import { newBadRequest, newServiceUnavailable } from "../../../machinery/api/status.js";
import { type ProxyDialer, type ProxyTarget, proxySubresource, reachAddress } from "../proxy.js";
import type { Subresource } from "../serve.js";

/** `pods/NAME/proxy`: the port that is asked for, else the first that a container names. */
export const podProxy = (dial: ProxyDialer | undefined): Subresource<Pod> =>
  proxySubresource("Pod", ({ object: pod }, target) => {
    if (!dial) throw newServiceUnavailable("this server is on no network");
    const ip = pod.status.podIPs?.[0]?.ip ?? pod.status.podIP;
    if (!ip) throw newBadRequest("address not allowed");
    return reachAddress(dial, { ip, port: portOf(pod, target) }, target);
  });

function portOf(pod: Pod, { port, tls }: ProxyTarget): number {
  if (/^\d+$/.test(port)) return Number(port);
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const chosen = port === "" ? ports[0] : ports.find(({ name }) => name === port);
  return chosen?.containerPort ?? (tls ? 443 : 80);
}

import type { Service, ServicePort } from "../../machinery/api/core-v1.js";
import { type HostPort, localPortOf } from "./host-ports.js";

/** One port of a Service as this machine reaches it. */
export interface ServiceUrl {
  /** `http/80`, or `80` for a port without a name. */
  targetPort: string;
  nodePort?: number;
  /** `http://127.0.0.1:30080`; absent while nothing listens. */
  url?: string;
}

/** minikube's list: every port, with a URL for those that have a node port which somebody serves. */
export function serviceUrls(service: Service, hostPorts: readonly HostPort[], https = false): ServiceUrl[] {
  const { namespace, name } = service.metadata;
  return (service.spec.ports ?? []).map((port) => {
    const servicePort = `${namespace}/${name}${port.name ? `:${port.name}` : ""}`;
    const own = hostPorts.filter((hostPort) => hostPort.servicePort === servicePort);
    const local = port.nodePort === undefined ? undefined : localPortOf(own, port.nodePort);
    return {
      targetPort: port.name ? `${port.name}/${port.port}` : String(port.port),
      ...(port.nodePort === undefined ? {} : { nodePort: port.nodePort }),
      ...(local === undefined ? {} : { url: `${schemeOf(port, https)}://127.0.0.1:${local}` }),
    };
  });
}

function schemeOf(port: ServicePort, https: boolean): string {
  if (port.protocol === "UDP") return "udp";
  return https || port.name === "https" || port.appProtocol === "https" ? "https" : "http";
}

import { formatAddress } from "../../machinery/network/addresses.js";
import type { Service } from "../../machinery/api/core-v1.js";

const variableName = (text: string): string => text.toUpperCase().replaceAll("-", "_");

// Upstream: pkg/kubelet/envvars FromServices.
/** Docker-link variables of the Services that a pod of `namespace` sees when it starts. */
export function serviceEnv(services: readonly Service[]): Map<string, string> {
  const env = new Map<string, string>();
  for (const service of services) {
    const ip = service.spec.clusterIP;
    const ports = service.spec.ports ?? [];
    const first = ports[0];
    if (!ip || ip === "None" || !first) continue;
    const prefix = variableName(service.metadata.name);
    env.set(`${prefix}_SERVICE_HOST`, ip);
    env.set(`${prefix}_SERVICE_PORT`, String(first.port));
    for (const port of ports)
      if (port.name) env.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    addLinks(env, prefix, ip, ports);
  }
  return env;
}

function addLinks(
  env: Map<string, string>,
  prefix: string,
  ip: string,
  ports: NonNullable<Service["spec"]["ports"]>,
): void {
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol.toLowerCase();
    const url = `${protocol}://${formatAddress({ ip, port: port.port })}`;
    if (index === 0) env.set(`${prefix}_PORT`, url);
    const link = `${prefix}_PORT_${port.port}_${port.protocol.toUpperCase()}`;
    env.set(link, url);
    env.set(`${link}_PROTO`, protocol);
    env.set(`${link}_PORT`, String(port.port));
    env.set(`${link}_ADDR`, ip);
  }
}

/**
 * The Services whose variables a pod gets: those of its namespace and `default/kubernetes`; only the latter when links
 * are off.
 */
export function servicesSeenBy(
  namespace: string,
  inNamespace: readonly Service[],
  kubernetes: Service | undefined,
  enableServiceLinks: boolean,
): Service[] {
  const seen = enableServiceLinks ? [...inNamespace] : [];
  const named = seen.some((service) => service.metadata.name === "kubernetes");
  if (kubernetes && !named && (namespace !== "default" || !enableServiceLinks)) seen.push(kubernetes);
  return seen.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

import type { DeepReadonly } from "../api/meta-v1.js";
import type { Service } from "../api/core-v1.js";
import { canonicalIp, isIp } from "../network/addresses.js";
import { type ClusterView, clusterIPsOf, endpointsOf, isHeadless } from "./cluster-view.js";

export interface ZoneOptions {
  /** `cluster.local` */
  domain: string;
  ttlSeconds: number;
  /** Whether `1-2-3-4.namespace.pod` names are answered: never, always, or if there is such a pod. */
  pods: "disabled" | "insecure" | "verified";
  /** `endpoint_pod_names` */
  endpointPodNames: boolean;
  /** `ignore empty_service`: a Service without ready endpoints does not exist. */
  ignoreEmptyServices: boolean;
  /** `namespaces`: the only ones whose names exist. Absent: all. */
  namespaces?: readonly string[];
  /** Where the name server itself listens: how it finds its own Service's name. */
  localIPs: readonly string[];
}

/** What stands behind a name, before it is put as records of one type. */
export interface Entry {
  /** An address, or the name that an ExternalName stands for. */
  host: string;
  /** The name that SRV records point to. */
  target: string;
  /** None for a headless Service without ports. */
  port: number | undefined;
}

/** Nothing of that name. An empty list is a name without records: namespaces, `svc`. */
export type Found = readonly Entry[] | "no-such-name";

/** The labels of a name below the zone, without the zone's own. */
type Labels = readonly string[];

// Upstream: coredns plugin/kubernetes parse.go parseRequest, kubernetes.go findServices and findPods.
/** Everything that a name below the cluster domain stands for; `base` is the name without the domain, in lower case. */
export function findEntries(view: ClusterView, options: ZoneOptions, base: string): Found {
  const labels = base.split(".");
  const kind = labels.pop();
  if (kind !== "svc" && kind !== "pod") return "no-such-name";
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  if (!view.namespace(namespace) || !isExposed(options, namespace)) return "no-such-name";
  const owner = labels.pop();
  if (owner === undefined) return [];
  if (labels.length > 2) return "no-such-name";
  if (kind === "pod") return podEntries(view, options, namespace, owner);
  const service = view.service(namespace, owner);
  return service ? serviceEntries(view, options, service, labels) : "no-such-name";
}

export const isExposed = ({ namespaces }: ZoneOptions, namespace: string | undefined): boolean =>
  namespaces === undefined || namespaces.includes(namespace ?? "");

function podEntries(view: ClusterView, options: ZoneOptions, namespace: string, label: string): Found {
  if (options.pods === "disabled") return "no-such-name";
  const isV4 = label.split("-").length === 4 && !label.includes("--");
  const text = label.replaceAll("-", isV4 ? "." : ":");
  if (!isIp(text)) return "no-such-name";
  const host = canonicalIp(text);
  const known =
    options.pods === "insecure" ||
    view.podsByIP(host).some(({ metadata }) => metadata.namespace === namespace);
  if (!known) return "no-such-name";
  return [{ host, target: `${label}.${namespace}.pod.${options.domain}`, port: undefined }];
}

function serviceEntries(
  view: ClusterView,
  options: ZoneOptions,
  service: DeepReadonly<Service>,
  labels: Labels,
): Found {
  const name = serviceName(service, options.domain);
  if (service.spec.type === "ExternalName") {
    const host = (service.spec.externalName ?? "").replace(/\.$/, "");
    return labels.length > 0 || host === "" || isIp(host)
      ? "no-such-name"
      : [{ host, target: name, port: undefined }];
  }
  const wanted = portWanted(labels);
  const [label] = labels;
  if (isHeadless(service) || labels.length === 1) {
    return endpointEntries(view, options, service, labels.length === 1 ? label : undefined, wanted);
  }
  if (
    options.ignoreEmptyServices &&
    endpointEntries(view, options, service, undefined, {}) === "no-such-name"
  ) {
    return "no-such-name";
  }
  const ports = (service.spec.ports ?? []).filter((port) =>
    matches(wanted, { name: port.name ?? "", protocol: port.protocol }),
  );
  if (ports.length === 0) return "no-such-name";
  return ports.flatMap(({ port }) => clusterIPsOf(service).map((host) => ({ host, target: name, port })));
}

/** Undefined matches every port. */
interface PortWanted {
  port?: string;
  protocol?: string;
}

/** `_http._tcp`; CoreDNS takes the names without underscores as well. */
function portWanted(labels: Labels): PortWanted {
  const [port, protocol] = labels;
  if (port === undefined || protocol === undefined) return {};
  return { port: port.replace(/^_/, ""), protocol: protocol.replace(/^_/, "") };
}

const matches = (wanted: PortWanted, { name, protocol }: { name: string; protocol: string }): boolean =>
  (!wanted.port || name.toLowerCase() === wanted.port) &&
  (!wanted.protocol || protocol.toLowerCase() === wanted.protocol);

function endpointEntries(
  view: ClusterView,
  { domain, endpointPodNames }: ZoneOptions,
  service: DeepReadonly<Service>,
  wantedLabel: string | undefined,
  wantedPort: PortWanted,
): Found {
  const { namespace = "", name } = service.metadata;
  const endpoints = endpointsOf(service, view.slices(namespace, name), { podNames: endpointPodNames });
  const found = endpoints
    .filter(({ label }) => wantedLabel === undefined || label === wantedLabel)
    .flatMap(({ ip, label, ports }): Entry[] => {
      const target = `${label}.${serviceName(service, domain)}`;
      if (ports.length === 0) return wantedPort.port ? [] : [{ host: ip, target, port: undefined }];
      return ports
        .filter((port) => matches(wantedPort, port))
        .map(({ port }) => ({ host: ip, target, port }));
    });
  return found.length === 0 ? "no-such-name" : found;
}

export const serviceName = ({ metadata }: DeepReadonly<Service>, domain: string): string =>
  `${metadata.name}.${metadata.namespace}.svc.${domain}`;

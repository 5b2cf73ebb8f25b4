import type { Container, Pod } from "../../machinery/api/core-v1.js";

/** What downward API fields say about a running pod. */
export interface DownwardContext {
  pod: Pod;
  nodeName: string;
  /** The primary one first. */
  hostIPs: readonly string[];
  podIPs: readonly string[];
  /** Stand in for limits that a container does not set. */
  allocatable: Readonly<Record<string, string>>;
}

const KEYED = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** The value of `metadata.name`, `status.podIP`, `metadata.labels['app']`…; undefined for a path that has none. */
export function fieldValue(fieldPath: string, context: DownwardContext): string | undefined {
  const { pod } = context;
  const keyed = KEYED.exec(fieldPath);
  if (keyed)
    return (keyed[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations)?.[keyed[2] ?? ""] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return pod.metadata.name;
    case "metadata.namespace":
      return pod.metadata.namespace;
    case "metadata.uid":
      return pod.metadata.uid;
    case "metadata.labels":
      return formatMap(pod.metadata.labels);
    case "metadata.annotations":
      return formatMap(pod.metadata.annotations);
    case "spec.nodeName":
      return context.nodeName;
    case "spec.serviceAccountName":
      return pod.spec.serviceAccountName ?? "";
    case "status.hostIP":
      return context.hostIPs[0] ?? "";
    case "status.hostIPs":
      return context.hostIPs.join(",");
    case "status.podIP":
      return context.podIPs[0] ?? "";
    case "status.podIPs":
      return context.podIPs.join(",");
    default:
      return undefined;
  }
}

/** Lines of `key="value"`, sorted, as downward API files have them. */
const formatMap = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${JSON.stringify(map?.[key] ?? "")}`)
    .join("\n");

/** `limits.cpu` and the like, divided and rounded up as the kubelet does. Undefined for a resource it does not know. */
export function resourceFieldValue(
  resource: string,
  divisor: string | undefined,
  container: Container,
  context: DownwardContext,
): string | undefined {
  const [kind, name] = resource.split(/\.(.*)/s);
  if ((kind !== "limits" && kind !== "requests") || !name) return undefined;
  const set =
    kind === "limits"
      ? (container.resources?.limits?.[name] ?? context.allocatable[name])
      : (container.resources?.requests?.[name] ?? container.resources?.limits?.[name]);
  const value = quantityValue(set ?? "0");
  const unit = quantityValue(divisor && divisor !== "0" ? divisor : "1");
  return String(Math.ceil(value / unit));
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity that validation has accepted, as a number. */
export function quantityValue(text: string): number {
  const match = /^([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]i?)?)$/.exec(text);
  if (!match) return 0;
  if (match[2]) return Number(`${match[1]}${match[2]}`);
  return Number(match[1]) * (SUFFIXES[match[3] ?? ""] ?? 1);
}

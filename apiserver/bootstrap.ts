import { type Endpoints, endpoints, namespaces, type Service, services } from "../machinery/api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../machinery/api/discovery-v1.js";
import { deepCopy } from "../machinery/api/deep-equal.js";
import type { KubeObject, ObjectMeta } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import { formatIp, readIp, readPrefix } from "../machinery/api/ip-address.js";
import { serviceCIDRs } from "../machinery/api/networking-v1.js";
import { isAlreadyExists } from "../machinery/api/status.js";
import { APISERVER_USER } from "./auth/user-info.js";
import { publishDefaultServiceCidr } from "./default-service-cidr.js";
import { DEFAULT_RANGES } from "./registry/services/resource.js";
import type { GenericStore } from "./registry/generic-store.js";

export interface BootstrapOptions {
  store<T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T>;
  /** Where pods reach this server; by `ip6` in a cluster whose own family is IPv6, where there is one. */
  address: { ip: string; ip6?: string; port: number };
  /** Ranges of cluster IPs, the cluster's own family first; Service default/kubernetes has the first address. */
  serviceCidrs?: readonly string[];
}

export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** What a cluster has before anybody creates anything. Runs at every start; keeps what is there already. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  for (const name of SYSTEM_NAMESPACES)
    await ensure(options, namespaces, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: meta({ name }),
      spec: {},
      status: { phase: "Active" },
    });
  const { serviceCidrs = DEFAULT_RANGES.clusterIps } = options;
  await publishDefaultServiceCidr(options.store(serviceCIDRs), serviceCidrs);
  await ensure(options, services, kubernetesService(options, firstServiceIp(serviceCidrs)));
  await publish(options, endpoints, kubernetesEndpoints(options), (object, wanted) => {
    object.subsets = wanted.subsets ?? [];
  });
  await publish(options, endpointSlices, kubernetesSlice(options), (object, wanted) => {
    object.endpoints = wanted.endpoints;
    object.ports = wanted.ports ?? [];
  });
}

async function ensure<T extends KubeObject>(
  options: BootstrapOptions,
  descriptor: ResourceDescriptor<T>,
  object: T,
): Promise<boolean> {
  const { namespace, name } = object.metadata;
  const store = options.store(descriptor);
  if (store.find({ namespace, name })) return false;
  try {
    await store.create(object, { user: APISERVER_USER, dryRun: false });
    return true;
  } catch (err) {
    if (isAlreadyExists(err)) return false;
    throw err;
  }
}

/** Creates the object, or moves the existing one to this server's address. */
async function publish<T extends KubeObject>(
  options: BootstrapOptions,
  descriptor: ResourceDescriptor<T>,
  wanted: T,
  assign: (object: T, wanted: T) => void,
): Promise<void> {
  const { namespace, name } = wanted.metadata;
  if (await ensure(options, descriptor, deepCopy(wanted))) return;
  await options
    .store(descriptor)
    .mutate({ namespace, name }, (object) => assign(object, wanted), { user: APISERVER_USER, dryRun: false });
}

/** The server fills in the rest. */
const meta = (given: Partial<ObjectMeta> & { name: string }): ObjectMeta => given as ObjectMeta;

/** The first address of the first range: where pods find this server. */
export function firstServiceIp([range = ""]: readonly string[]): string {
  const prefix = readPrefix(range);
  if (!prefix) throw new RangeError(`not a range: ${range}`);
  return formatIp({ family: prefix.family, value: prefix.base + 1n });
}

const kubernetesService = ({ address }: BootstrapOptions, clusterIp: string): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta({
    name: "kubernetes",
    namespace: "default",
    labels: { component: "apiserver", provider: "kubernetes" },
  }),
  spec: {
    type: "ClusterIP",
    clusterIP: clusterIp,
    clusterIPs: [clusterIp],
    ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: address.port }],
    sessionAffinity: "None",
  },
  status: { loadBalancer: {} },
});

/** Of the family of Service default/kubernetes, whose endpoint it is. */
function endpointIp({ address, serviceCidrs = DEFAULT_RANGES.clusterIps }: BootstrapOptions): string {
  const isIPv6 = readPrefix(serviceCidrs[0] ?? "")?.family === "IPv6";
  return isIPv6 ? (address.ip6 ?? address.ip) : address.ip;
}

const kubernetesEndpoints = (options: BootstrapOptions): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: meta({
    name: "kubernetes",
    namespace: "default",
    labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
  }),
  subsets: [
    {
      addresses: [{ ip: endpointIp(options) }],
      ports: [{ name: "https", port: options.address.port, protocol: "TCP" }],
    },
  ],
});

const kubernetesSlice = (options: BootstrapOptions): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: meta({
    name: "kubernetes",
    namespace: "default",
    labels: { [SERVICE_NAME_LABEL]: "kubernetes" },
  }),
  addressType: readIp(endpointIp(options))?.family ?? "IPv4",
  endpoints: [{ addresses: [endpointIp(options)], conditions: { ready: true } }],
  ports: [{ name: "https", port: options.address.port, protocol: "TCP" }],
});

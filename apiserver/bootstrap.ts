import { type Endpoints, endpoints, namespaces, type Service, services } from "../machinery/api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../machinery/api/discovery-v1.js";
import { deepCopy } from "../machinery/api/deep-equal.js";
import type { KubeObject, ObjectMeta } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import { isAlreadyExists } from "../machinery/api/status.js";
import type { UserInfo } from "./auth/user-info.js";
import type { GenericStore } from "./registry/generic-store.js";

export interface BootstrapOptions {
  store<T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T>;
  /** Where pods reach this server. */
  address: { ip: string; port: number };
  /** Cluster IP of Service default/kubernetes. Default 10.96.0.1. */
  clusterIp?: string;
}

export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];
const SELF: UserInfo = { name: "system:apiserver", groups: ["system:masters"] };

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
  await ensure(options, services, kubernetesService(options));
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
    await store.create(object, { user: SELF, dryRun: false });
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
    .mutate({ namespace, name }, (object) => assign(object, wanted), { user: SELF, dryRun: false });
}

/** The server fills in the rest. */
const meta = (given: Partial<ObjectMeta> & { name: string }): ObjectMeta => given as ObjectMeta;

const kubernetesService = ({ address, clusterIp = "10.96.0.1" }: BootstrapOptions): Service => ({
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

const kubernetesEndpoints = ({ address }: BootstrapOptions): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: meta({
    name: "kubernetes",
    namespace: "default",
    labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
  }),
  subsets: [
    { addresses: [{ ip: address.ip }], ports: [{ name: "https", port: address.port, protocol: "TCP" }] },
  ],
});

const kubernetesSlice = ({ address }: BootstrapOptions): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: meta({
    name: "kubernetes",
    namespace: "default",
    labels: { [SERVICE_NAME_LABEL]: "kubernetes" },
  }),
  addressType: "IPv4",
  endpoints: [{ addresses: [address.ip], conditions: { ready: true } }],
  ports: [{ name: "https", port: address.port, protocol: "TCP" }],
});

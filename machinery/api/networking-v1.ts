import type { LoadBalancerIngress as ServiceIngress } from "./core-v1.js";
import type { Condition, KubeObject } from "./meta-v1.js";
import { resource } from "./resource.js";

// Types of networking.k8s.io/v1. "Optional" is the API's optional, after defaulting.

export interface ServiceBackendPort {
  name?: string;
  number?: number;
}
export interface IngressServiceBackend {
  name: string;
  /** Name or number, never both. */
  port: ServiceBackendPort;
}
export interface TypedLocalObjectReference {
  apiGroup?: string;
  kind: string;
  name: string;
}
/** A Service or another kind of object, never both. */
export interface IngressBackend {
  service?: IngressServiceBackend;
  resource?: TypedLocalObjectReference;
}
export type PathType = "Exact" | "Prefix" | "ImplementationSpecific";
export interface HTTPIngressPath {
  path?: string;
  pathType: PathType;
  backend: IngressBackend;
}
export interface IngressRule {
  /** Absent matches every host; `*.example.com` matches one more label. */
  host?: string;
  http?: { paths: HTTPIngressPath[] };
}
export interface IngressTLS {
  hosts?: string[];
  secretName?: string;
}
export interface IngressPortStatus {
  port: number;
  protocol: "TCP" | "UDP" | "SCTP";
  error?: string;
}
export type IngressLoadBalancerIngress = Pick<ServiceIngress, "ip" | "hostname"> & {
  ports?: IngressPortStatus[];
};
export interface Ingress extends KubeObject {
  spec: {
    ingressClassName?: string;
    defaultBackend?: IngressBackend;
    tls?: IngressTLS[];
    rules?: IngressRule[];
  };
  status: { loadBalancer: { ingress?: IngressLoadBalancerIngress[] } };
}
export const ingresses = resource<Ingress>("networking.k8s.io/v1", "Ingress", {
  plural: "ingresses",
  shortNames: ["ing"],
});

/** The class that an Ingress named before `spec.ingressClassName` existed. */
export const INGRESS_CLASS_ANNOTATION = "kubernetes.io/ingress.class";
/** On an IngressClass: Ingresses that name no class get this one. */
export const DEFAULT_INGRESS_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";

export interface IngressClassParametersReference {
  apiGroup?: string;
  kind: string;
  name: string;
  scope?: "Cluster" | "Namespace";
  namespace?: string;
}
export interface IngressClass extends KubeObject {
  spec: { controller?: string; parameters?: IngressClassParametersReference };
}
export const ingressClasses = resource<IngressClass>("networking.k8s.io/v1", "IngressClass", {
  plural: "ingressclasses",
  namespaced: false,
});

/** A range of Service addresses (KEP-1880). */
export interface ServiceCIDR extends KubeObject {
  /** One or two, of different families. */
  spec: { cidrs: string[] };
  status: { conditions?: Condition[] };
}
export const serviceCIDRs = resource<ServiceCIDR>("networking.k8s.io/v1", "ServiceCIDR", {
  plural: "servicecidrs",
  namespaced: false,
});
/** Ranges of a cluster that names no others, its own family first. */
export const DEFAULT_SERVICE_CIDRS: readonly string[] = ["10.96.0.0/12", "fd00:10:96::/112"];
/** Keeps a ServiceCIDR while Services need its addresses. */
export const SERVICE_CIDR_FINALIZER = "networking.k8s.io/service-cidr-finalizer";

/** One Service address in use; its name is the address in canonical form (KEP-1880). */
export interface IPAddress extends KubeObject {
  spec: { parentRef: { group?: string; resource: string; namespace?: string; name: string } };
}
export const ipAddresses = resource<IPAddress>("networking.k8s.io/v1", "IPAddress", {
  plural: "ipaddresses",
  namespaced: false,
  shortNames: ["ip"],
});
export const IP_FAMILY_LABEL = "ipaddress.kubernetes.io/ip-family";
export const IP_MANAGED_BY_LABEL = "ipaddress.kubernetes.io/managed-by";
/** Manager of the addresses that the API server allocates. */
export const IP_ALLOCATOR = "ipallocator.k8s.io";

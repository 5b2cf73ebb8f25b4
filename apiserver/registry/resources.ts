import type { TokenIssuer } from "../auth/service-account-tokens.js";
import {
  localSubjectAccessReviewResource,
  selfSubjectAccessReviewResource,
  selfSubjectRulesReviewResource,
  subjectAccessReviewResource,
} from "./accessreviews/resource.js";
import { selfSubjectReviewResource, tokenReviewResource } from "./authenticationreviews/resource.js";
import { configMapResource } from "./configmaps/resource.js";
import { deploymentResource } from "./deployments/resource.js";
import { endpointsResource } from "./endpoints/resource.js";
import { endpointSliceResource } from "./endpointslices/resource.js";
import { eventResource, eventV1Resource } from "./events/resource.js";
import { IpAllocator } from "./allocators/ip-allocator.js";
import { PortAllocator } from "./allocators/port-allocator.js";
import { ingressClassResource } from "./ingressclasses/resource.js";
import { ingressResource } from "./ingresses/resource.js";
import { ipAddressResource } from "./ipaddresses/resource.js";
import { leaseResource } from "./leases/resource.js";
import { namespaceResource } from "./namespaces/resource.js";
import { nodeResource } from "./nodes/resource.js";
import { podResource } from "./pods/resource.js";
import { replicaSetResource } from "./replicasets/resource.js";
import { secretResource } from "./secrets/resource.js";
import type { ProxyDialer } from "./proxy.js";
import type { ServedResource } from "./serve.js";
import { serviceAccountResource } from "./serviceaccounts/resource.js";
import { serviceCidrResource } from "./servicecidrs/resource.js";
import { DEFAULT_RANGES, type ServiceRanges, serviceResource } from "./services/resource.js";

export interface ResourceDependencies {
  /** Default 10.96.0.0/12 with fd00:10:96::/112, and 30000-32767. */
  ranges?: ServiceRanges;
  /** Handed in where something else looks at what is taken. */
  nodePorts?: PortAllocator;
  /** Without it the token subresource cannot answer. */
  tokens?: TokenIssuer;
  /** How the proxy subresources reach pods and nodes; without it they answer ServiceUnavailable. */
  dial?: ProxyDialer;
}

/** Every kind this server serves. Made anew for each server: allocators keep state. */
export function allResources({
  ranges = DEFAULT_RANGES,
  nodePorts = new PortAllocator(ranges.nodePorts.first, ranges.nodePorts.last),
  tokens,
  dial,
}: ResourceDependencies = {}): readonly ServedResource[] {
  const ips = new IpAllocator(ranges.clusterIps);
  return [
    namespaceResource,
    nodeResource(dial),
    podResource(dial),
    serviceResource(ips, nodePorts, dial),
    endpointsResource,
    configMapResource,
    secretResource,
    serviceAccountResource(tokens),
    eventResource,
    endpointSliceResource,
    eventV1Resource,
    leaseResource,
    deploymentResource,
    replicaSetResource,
    ingressResource,
    ingressClassResource,
    serviceCidrResource,
    ipAddressResource(ips),
    selfSubjectAccessReviewResource,
    selfSubjectRulesReviewResource,
    subjectAccessReviewResource,
    localSubjectAccessReviewResource,
    selfSubjectReviewResource,
    tokenReviewResource,
  ];
}

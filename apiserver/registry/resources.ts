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
import { ingressClassResource } from "./ingressclasses/resource.js";
import { ingressResource } from "./ingresses/resource.js";
import { leaseResource } from "./leases/resource.js";
import { namespaceResource } from "./namespaces/resource.js";
import { nodeResource } from "./nodes/resource.js";
import { podResource } from "./pods/resource.js";
import { replicaSetResource } from "./replicasets/resource.js";
import { secretResource } from "./secrets/resource.js";
import type { ProxyDialer } from "./proxy.js";
import type { ServedResource } from "./serve.js";
import { serviceAccountResource } from "./serviceaccounts/resource.js";
import { DEFAULT_RANGES, type ServiceRanges, serviceResource } from "./services/resource.js";

export interface ResourceDependencies {
  /** Default 10.96.0.0/12 and 30000-32767. */
  ranges?: ServiceRanges;
  /** Without it the token subresource cannot answer. */
  tokens?: TokenIssuer;
  /** How the proxy subresources reach pods and nodes; without it they answer ServiceUnavailable. */
  dial?: ProxyDialer;
}

/** Every kind this server serves. Made anew for each server: allocators keep state. */
export function allResources({
  ranges = DEFAULT_RANGES,
  tokens,
  dial,
}: ResourceDependencies = {}): readonly ServedResource[] {
  return [
    namespaceResource,
    nodeResource(dial),
    podResource(dial),
    serviceResource(ranges, dial),
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
    selfSubjectAccessReviewResource,
    selfSubjectRulesReviewResource,
    subjectAccessReviewResource,
    localSubjectAccessReviewResource,
    selfSubjectReviewResource,
    tokenReviewResource,
  ];
}

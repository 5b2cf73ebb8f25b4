import type { UserInfo } from "./user-info.js";

/** What is asked, as SubjectAccessReview spells it. */
export interface AuthorizationAttributes {
  user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection, connect…; the lower-case method on plain paths. */
  verb: string;
  /** False for plain paths such as /healthz. */
  resourceRequest: boolean;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  path: string;
}

/** `reason` is shown to the client after the standard sentence of a refusal. */
export type AuthorizationDecision = { allowed: boolean; reason?: string };

export interface ResourceRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}
export interface NonResourceRule {
  verbs: string[];
  nonResourceURLs?: string[];
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision;
  /** What `user` may do in a namespace, for SelfSubjectRulesReview. */
  rulesFor(
    user: UserInfo,
    namespace: string,
  ): {
    resourceRules: ResourceRule[];
    nonResourceRules: NonResourceRule[];
    incomplete: boolean;
  };
}

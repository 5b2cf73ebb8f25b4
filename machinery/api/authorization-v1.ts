import type { KubeObject } from "./meta-v1.js";
import { resource } from "./resource.js";

export interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
}
export interface NonResourceAttributes {
  path?: string;
  verb?: string;
}
export interface SelfSubjectAccessReview extends KubeObject {
  spec: { resourceAttributes?: ResourceAttributes; nonResourceAttributes?: NonResourceAttributes };
  status: { allowed: boolean; denied?: boolean; reason?: string; evaluationError?: string };
}
export const selfSubjectAccessReviews = resource<SelfSubjectAccessReview>(
  "authorization.k8s.io/v1",
  "SelfSubjectAccessReview",
  { plural: "selfsubjectaccessreviews", namespaced: false },
);
export interface SelfSubjectRulesReview extends KubeObject {
  spec: { namespace?: string };
  status: {
    resourceRules: {
      verbs: string[];
      apiGroups?: string[];
      resources?: string[];
      resourceNames?: string[];
    }[];
    nonResourceRules: { verbs: string[]; nonResourceURLs?: string[] }[];
    incomplete: boolean;
    evaluationError?: string;
  };
}
export const selfSubjectRulesReviews = resource<SelfSubjectRulesReview>(
  "authorization.k8s.io/v1",
  "SelfSubjectRulesReview",
  { plural: "selfsubjectrulesreviews", namespaced: false },
);

export interface SubjectAccessReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: NonResourceAttributes;
  user?: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}
export interface SubjectAccessReview extends KubeObject {
  spec: SubjectAccessReviewSpec;
  status: SelfSubjectAccessReview["status"];
}
export const subjectAccessReviews = resource<SubjectAccessReview>(
  "authorization.k8s.io/v1",
  "SubjectAccessReview",
  { plural: "subjectaccessreviews", namespaced: false },
);
export const localSubjectAccessReviews = resource<SubjectAccessReview>(
  "authorization.k8s.io/v1",
  "LocalSubjectAccessReview",
  { plural: "localsubjectaccessreviews" },
);

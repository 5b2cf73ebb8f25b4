import type { KubeObject } from "./meta-v1.js";
import { resource } from "./resource.js";

/** Body of `serviceaccounts/NAME/token`. */
export interface TokenRequest extends KubeObject {
  spec: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string };
  };
  status: { token: string; expirationTimestamp: string };
}

export interface AuthenticatedUser {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}
/** What `kubectl auth whoami` asks. */
export interface SelfSubjectReview extends KubeObject {
  status: { userInfo?: AuthenticatedUser };
}
export const selfSubjectReviews = resource<SelfSubjectReview>(
  "authentication.k8s.io/v1",
  "SelfSubjectReview",
  { plural: "selfsubjectreviews", namespaced: false },
);
export interface TokenReview extends KubeObject {
  spec: { token?: string; audiences?: string[] };
  status: { authenticated?: boolean; user?: AuthenticatedUser; audiences?: string[]; error?: string };
}
export const tokenReviews = resource<TokenReview>("authentication.k8s.io/v1", "TokenReview", {
  plural: "tokenreviews",
  namespaced: false,
});
export const tokenRequests = resource<TokenRequest>("authentication.k8s.io/v1", "TokenRequest", {
  plural: "tokenrequests",
});

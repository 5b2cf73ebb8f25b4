import type {
  AuthorizationAttributes,
  AuthorizationDecision,
  Authorizer,
  NonResourceRule,
  ResourceRule,
} from "./authorizer.js";
import { MASTERS_GROUP, type UserInfo } from "./user-info.js";

/** Rules of one role for those it is given to; as a ClusterRole with its binding. */
export interface Policy {
  /** The role upstream gives them: `system:kube-scheduler`. */
  role: string;
  users?: readonly string[];
  groups?: readonly string[];
  /** Only there; default: everywhere. */
  namespace?: string;
  resourceRules?: readonly ResourceRule[];
  nonResourceRules?: readonly NonResourceRule[];
}

const EVERYTHING: Policy = {
  role: "cluster-admin",
  groups: [MASTERS_GROUP],
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};

/** Decides by a table of policies; what no policy allows is refused, without a reason, as RBAC does. */
export class PolicyAuthorizer implements Authorizer {
  readonly #policies: readonly Policy[];

  constructor(policies: readonly Policy[]) {
    this.#policies = [EVERYTHING, ...policies];
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
    const { user, namespace } = attributes;
    const allows = attributes.resourceRequest ? allowsResource : allowsPath;
    const allowed = this.#policies.some(
      (policy) => appliesTo(policy, user, namespace) && allows(policy, attributes),
    );
    return { allowed };
  }

  rulesFor(user: UserInfo, namespace: string) {
    const policies = this.#policies.filter((policy) => appliesTo(policy, user, namespace));
    return {
      resourceRules: policies.flatMap(({ resourceRules = [] }) => resourceRules),
      nonResourceRules: policies.flatMap(({ nonResourceRules = [] }) => nonResourceRules),
      incomplete: false,
    };
  }
}

function appliesTo(policy: Policy, user: UserInfo, namespace: string): boolean {
  if (policy.namespace !== undefined && policy.namespace !== namespace) return false;
  if (policy.users?.includes(user.name)) return true;
  return policy.groups?.some((group) => user.groups.includes(group)) ?? false;
}

function allowsResource({ resourceRules = [] }: Policy, asked: AuthorizationAttributes): boolean {
  const { verb, group, resource, subresource, name } = asked;
  const combined = subresource ? `${resource}/${subresource}` : resource;
  return resourceRules.some(
    (rule) =>
      holds(rule.verbs, verb) &&
      holds(rule.apiGroups, group) &&
      (holds(rule.resources, combined) ||
        (subresource !== "" && rule.resources?.includes(`*/${subresource}`) === true)) &&
      (!rule.resourceNames?.length || rule.resourceNames.includes(name)),
  );
}

const allowsPath = ({ nonResourceRules = [] }: Policy, { verb, path }: AuthorizationAttributes): boolean =>
  nonResourceRules.some(
    (rule) => holds(rule.verbs, verb) && rule.nonResourceURLs?.some((url) => covers(url, path)),
  );

const holds = (list: readonly string[] | undefined, value: string): boolean =>
  list?.some((entry) => entry === "*" || entry === value) ?? false;

const covers = (url: string, path: string): boolean =>
  url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1)));

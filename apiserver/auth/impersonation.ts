import type { HttpRequest } from "../../machinery/api/http.js";
import { newForbidden, newInternalError } from "../../machinery/api/status.js";
import type { AuthorizationAttributes, Authorizer } from "./authorizer.js";
import { forbiddenMessage } from "./forbidden.js";
import { ANONYMOUS, AUTHENTICATED_GROUP, UNAUTHENTICATED_GROUP, type UserInfo } from "./user-info.js";

const USER = "impersonate-user";
const GROUP = "impersonate-group";
const UID = "impersonate-uid";
const EXTRA = "impersonate-extra-";
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

// Upstream: endpoints/filters/impersonation.go.
/** `user`, or whom the headers say, if `user` may act as them. Throws Forbidden. */
export function impersonate(request: HttpRequest, user: UserInfo, authorizer: Authorizer): UserInfo {
  const { headers } = request;
  if (!Object.keys(headers).some((header) => header.startsWith("impersonate-"))) return user;
  const name = headers[USER];
  const groups = headers[GROUP]?.split("\u0000") ?? [];
  const extra = extraOf(headers);
  if (!name) {
    if (groups.length > 0 || extra || headers[UID] !== undefined) {
      throw newInternalError("requested impersonation without impersonating a user");
    }
    return user;
  }
  const may = (resource: string, target: string, more: Partial<AuthorizationAttributes> = {}): void =>
    demand(authorizer, {
      user,
      verb: "impersonate",
      resourceRequest: true,
      group: "",
      version: "v1",
      resource,
      subresource: "",
      namespace: "",
      name: target,
      path: "",
      ...more,
    });
  const account = SERVICE_ACCOUNT.exec(name);
  if (account) may("serviceaccounts", account[2] ?? "", { namespace: account[1] ?? "" });
  else may("users", name);
  for (const group of groups) may("groups", group);
  for (const [key, values] of Object.entries(extra ?? {})) {
    for (const value of values) {
      may("userextras", value, { group: "authentication.k8s.io", subresource: key });
    }
  }
  if (headers[UID]) may("uids", headers[UID], { group: "authentication.k8s.io" });
  return {
    name,
    groups: effectiveGroups(name, groups, account?.[1]),
    ...(headers[UID] ? { uid: headers[UID] } : {}),
    ...(extra ? { extra } : {}),
  };
}

function effectiveGroups(
  name: string,
  asked: readonly string[],
  accountNamespace: string | undefined,
): string[] {
  const groups =
    asked.length === 0 && accountNamespace !== undefined
      ? ["system:serviceaccounts", `system:serviceaccounts:${accountNamespace}`]
      : [...asked];
  const own = name === ANONYMOUS.name ? UNAUTHENTICATED_GROUP : AUTHENTICATED_GROUP;
  if (!groups.includes(AUTHENTICATED_GROUP) && !groups.includes(UNAUTHENTICATED_GROUP)) groups.push(own);
  return groups;
}

function extraOf(headers: HttpRequest["headers"]): Record<string, string[]> | undefined {
  const entries = Object.entries(headers)
    .filter(([name]) => name.startsWith(EXTRA))
    .map(([name, value]): [string, string[]] => [decodeKey(name.slice(EXTRA.length)), value.split(", ")]);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function demand(authorizer: Authorizer, attributes: AuthorizationAttributes): void {
  const { allowed, reason } = authorizer.authorize(attributes);
  if (allowed) return;
  throw newForbidden(
    { group: attributes.group, resource: attributes.resource },
    attributes.name,
    forbiddenMessage(attributes, reason),
  );
}

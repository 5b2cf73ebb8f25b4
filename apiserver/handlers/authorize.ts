import { FieldSelectorError, parseFieldSelector, requiredValue } from "../../machinery/api/fields.js";
import type { RequestInfo } from "../../machinery/api/request-info.js";
import { newForbidden } from "../../machinery/api/status.js";
import type { AuthorizationAttributes, Authorizer } from "../auth/authorizer.js";
import type { UserInfo } from "../auth/user-info.js";

/** kube-apiserver's --authorization-always-allow-paths. */
const ALWAYS_ALLOWED: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);

/** Throws Forbidden with the sentence that every kubectl user knows. */
export function authorize(
  authorizer: Authorizer,
  user: UserInfo,
  info: RequestInfo,
  query: URLSearchParams,
): void {
  if (!info.isResourceRequest && ALWAYS_ALLOWED.has(info.path)) return;
  const attributes: AuthorizationAttributes = {
    user,
    verb: info.verb,
    resourceRequest: info.isResourceRequest,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name || selectedName(info, query),
    path: info.path,
  };
  const decision = authorizer.authorize(attributes);
  if (decision.allowed) return;
  const refusal = forbiddenMessage(attributes);
  throw newForbidden(
    { group: attributes.group, resource: attributes.resource },
    attributes.name,
    decision.reason ? `${refusal}: ${decision.reason}` : refusal,
  );
}

/** A list or watch of one name may be allowed where the whole collection is not. */
function selectedName({ verb }: RequestInfo, query: URLSearchParams): string {
  const text = verb === "list" || verb === "watch" ? query.get("fieldSelector") : null;
  if (!text?.includes("metadata.name")) return "";
  try {
    return requiredValue(parseFieldSelector(text), "metadata.name") ?? "";
  } catch (err) {
    // The handler answers 400 for it.
    if (err instanceof FieldSelectorError) return "";
    throw err;
  }
}

function forbiddenMessage(attributes: AuthorizationAttributes): string {
  const { user, verb, namespace, group, path } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  if (!attributes.resourceRequest) return `${who} path ${JSON.stringify(path)}`;
  const resource = attributes.subresource
    ? `${attributes.resource}/${attributes.subresource}`
    : attributes.resource;
  const what = `${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)}`;
  return namespace ? `${what} in the namespace ${JSON.stringify(namespace)}` : `${what} at the cluster scope`;
}

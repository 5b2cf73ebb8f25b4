import { FieldSelectorError, parseFieldSelector, requiredValue } from "../../machinery/api/fields.js";
import type { RequestInfo } from "../../machinery/api/request-info.js";
import type { AuthorizationAttributes, Authorizer } from "../auth/authorizer.js";
import { newAccessDenied } from "../auth/forbidden.js";
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
  throw newAccessDenied(attributes, decision.reason);
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

import { newForbidden, type StatusError } from "../../machinery/api/status.js";
import type { AuthorizationAttributes } from "./authorizer.js";

// Upstream: endpoints/handlers/responsewriters/errors.go forbiddenMessage, Forbidden.
/** `User "x" cannot list resource "pods" in API group "" in the namespace "default"`, and why, if there is a why. */
export function forbiddenMessage(attributes: AuthorizationAttributes, reason?: string): string {
  const { user, verb, resource, subresource, group, namespace, path } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  const what = `resource "${subresource ? `${resource}/${subresource}` : resource}" in API group "${group}"`;
  const sentence = !attributes.resourceRequest
    ? `${who} path "${path}"`
    : namespace
      ? `${who} ${what} in the namespace "${namespace}"`
      : `${who} ${what} at the cluster scope`;
  return reason ? `${sentence}: ${reason}` : sentence;
}

/** The 403 for what the authoriser refused. */
export function newAccessDenied(attributes: AuthorizationAttributes, reason?: string): StatusError {
  const { group, resource, name, resourceRequest } = attributes;
  const message = forbiddenMessage(attributes, reason);
  return resourceRequest
    ? newForbidden({ group, resource }, name, message)
    : newForbidden({ group: "", resource: "" }, "", message);
}

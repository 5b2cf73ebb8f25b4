import {
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/api/field-error.js";
import { HTTP_PATH_MESSAGE, isDns1123Label, isHttpPath } from "../../../machinery/api/names.js";
import type { IngressClass, IngressClassParametersReference } from "../../../machinery/api/networking-v1.js";
import { validateObjectReference } from "../ingresses/validate-backend.js";
import { immutable } from "../validation/fields.js";
import { check, checkSubdomain } from "../validation/labels.js";

const LONGEST_CONTROLLER = 250;
const SCOPES = ["Cluster", "Namespace"];

/** Upstream: validateIngressClassSpec. */
export function validateIngressClass({ spec: { controller = "", parameters } }: IngressClass): FieldError[] {
  const at = field("spec");
  const errors: FieldError[] = [];
  if (controller.length > LONGEST_CONTROLLER)
    errors.push(tooLong(at.child("controller"), LONGEST_CONTROLLER));
  errors.push(...validateDomainPrefixedPath(controller, at.child("controller")));
  if (parameters) errors.push(...validateParameters(parameters, at.child("parameters")));
  return errors;
}

export const validateIngressClassUpdate = (ingressClass: IngressClass, old: IngressClass): FieldError[] => [
  ...immutable(ingressClass.spec.controller, old.spec.controller, field("spec", "controller")),
  ...validateIngressClass(ingressClass),
];

/** Upstream: apimachinery util/validation IsDomainPrefixedPath. */
function validateDomainPrefixedPath(value: string, at: FieldPath): FieldError[] {
  if (value === "") return [required(at)];
  const slash = value.indexOf("/");
  const [host, path] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (host === "" || path === "")
    return [invalid(at, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors = checkSubdomain(host, at);
  return isHttpPath(path) ? errors : [...errors, invalid(at, path, HTTP_PATH_MESSAGE)];
}

function validateParameters(parameters: IngressClassParametersReference, at: FieldPath): FieldError[] {
  const errors = validateObjectReference(parameters, at);
  const { scope, namespace } = parameters;
  if (scope === undefined) return [...errors, required(at.child("scope"))];
  if (!SCOPES.includes(scope)) errors.push(notSupported(at.child("scope"), scope, SCOPES));
  if (scope === "Namespace" && namespace === undefined)
    errors.push(required(at.child("namespace"), "`parameters.scope` is set to 'Namespace'"));
  if (scope === "Namespace" && namespace !== undefined)
    errors.push(...check(isDns1123Label, namespace, at.child("namespace")));
  if (scope === "Cluster" && namespace !== undefined)
    errors.push(forbidden(at.child("namespace"), "`parameters.scope` is set to 'Cluster'"));
  return errors;
}

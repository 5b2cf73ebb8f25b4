import {
  type FieldError,
  type FieldPath,
  field,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { readIp } from "../../../machinery/api/ip-address.js";
import { isWildcardDns1123Subdomain } from "../../../machinery/api/names.js";
import {
  type HTTPIngressPath,
  INGRESS_CLASS_ANNOTATION,
  type Ingress,
  type IngressRule,
  type IngressTLS,
} from "../../../machinery/api/networking-v1.js";
import { validateLegacyIp } from "../validation/ip.js";
import { check, checkSubdomain } from "../validation/labels.js";
import { validateBackend } from "./validate-backend.js";

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];
const FORBIDDEN_SEQUENCES = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_SUFFIXES = ["/..", "/."];
const NOT_AN_IP = "must be a DNS name, not an IP address";

/** Upstream: ValidateIngressCreate. */
export function validateIngress(ingress: Ingress): FieldError[] {
  const errors = validateIngressSpec(ingress);
  const annotated = ingress.metadata.annotations?.[INGRESS_CLASS_ANNOTATION];
  const { ingressClassName } = ingress.spec;
  if (annotated !== undefined && ingressClassName !== undefined && annotated !== ingressClassName)
    errors.push(
      invalid(
        field("annotations").child(INGRESS_CLASS_ANNOTATION),
        annotated,
        "must match `ingressClassName` when both are specified",
      ),
    );
  return errors;
}

/** Upstream: ValidateIngressSpec, which is all that an update must meet. */
export function validateIngressSpec({ spec }: Ingress): FieldError[] {
  const at = field("spec");
  const errors: FieldError[] = [];
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend)
    errors.push(invalid(at, spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, at.child("defaultBackend")));
  rules.forEach((rule, i) => errors.push(...validateRule(rule, at.child("rules").index(i))));
  (spec.tls ?? []).forEach((tls, i) => errors.push(...validateTls(tls, at.child("tls").index(i))));
  if (spec.ingressClassName !== undefined)
    errors.push(...checkSubdomain(spec.ingressClassName, at.child("ingressClassName")));
  return errors;
}

const validateHost = (host: string, at: FieldPath): FieldError[] =>
  host.includes("*") ? check(isWildcardDns1123Subdomain, host, at) : checkSubdomain(host, at);

function validateTls({ hosts = [], secretName }: IngressTLS, at: FieldPath): FieldError[] {
  const errors = hosts.flatMap((host, i) => validateHost(host, at.child("hosts").index(i)));
  if (secretName) errors.push(...checkSubdomain(secretName, at.child("secretName")));
  return errors;
}

function validateRule({ host, http }: IngressRule, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (host && readIp(host)) errors.push(invalid(at.child("host"), host, NOT_AN_IP));
  if (host) errors.push(...validateHost(host, at.child("host")));
  if (!http) return errors;
  const paths = at.child("http").child("paths");
  if (!http.paths?.length) errors.push(required(paths));
  http.paths?.forEach((path, i) => errors.push(...validatePath(path, paths.index(i))));
  return errors;
}

function validatePath({ path = "", pathType, backend }: HTTPIngressPath, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  switch (pathType) {
    case undefined:
      return [required(at.child("pathType"), "pathType must be specified")];
    case "Exact":
    case "Prefix":
      errors.push(...validateHttpPath(path, at.child("path")));
      break;
    case "ImplementationSpecific":
      if (path && !path.startsWith("/"))
        errors.push(invalid(at.child("path"), path, "must be an absolute path"));
      break;
    default:
      errors.push(notSupported(at.child("pathType"), pathType, PATH_TYPES));
  }
  return [...errors, ...validateBackend(backend, at.child("backend"))];
}

function validateHttpPath(path: string, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!path.startsWith("/")) errors.push(invalid(at, path, "must be an absolute path"));
  for (const sequence of FORBIDDEN_SEQUENCES)
    if (path.includes(sequence)) errors.push(invalid(at, path, `must not contain '${sequence}'`));
  for (const suffix of FORBIDDEN_SUFFIXES)
    if (path.endsWith(suffix)) errors.push(invalid(at, path, `cannot end with '${suffix}'`));
  return errors;
}

/** Upstream: ValidateIngressLoadBalancerStatus. */
export function validateIngressStatus({ status }: Ingress, old: Ingress): FieldError[] {
  const known = (old.status.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? "");
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = field("status", "loadBalancer", "ingress").index(i);
    const errors = ip ? validateLegacyIp(ip, at.child("ip"), known) : [];
    if (!hostname) return errors;
    errors.push(...checkSubdomain(hostname, at.child("hostname")));
    if (readIp(hostname)) errors.push(invalid(at.child("hostname"), hostname, NOT_AN_IP));
    return errors;
  });
}

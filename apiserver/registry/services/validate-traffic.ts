import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { readIp } from "../../../machinery/api/ip-address.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import { portNumber } from "../validation/fields.js";
import { validateLegacyCidr, validateLegacyIp } from "../validation/ip.js";
import { check, checkSubdomain } from "../validation/labels.js";
import { isExternallyAccessible, needsHealthCheckPort } from "./rules.js";

const at = field("spec");
const SOURCE_RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges";
const BALANCED_ONLY = "may only be used when `type` is 'LoadBalancer'";

/** Source ranges, node ports and class of a load balancer, in upstream's order. */
export function validateBalancer(service: Service, old: Service | undefined): FieldError[] {
  const { spec } = service;
  const isBalanced = spec.type === "LoadBalancer";
  const errors = validateSourceRanges(service, old);
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced)
    errors.push(forbidden(at.child("allocateLoadBalancerNodePorts"), BALANCED_ONLY));
  const { loadBalancerClass } = spec;
  const path = at.child("loadBalancerClass");
  if (loadBalancerClass !== undefined)
    errors.push(
      ...(isBalanced ? check(isQualifiedName, loadBalancerClass, path) : [forbidden(path, BALANCED_ONLY)]),
    );
  return errors;
}

/** Of the field, or of the annotation that came before it. */
function validateSourceRanges({ spec, metadata }: Service, old: Service | undefined): FieldError[] {
  const isBalanced = spec.type === "LoadBalancer";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    const path = at.child("LoadBalancerSourceRanges");
    const errors = isBalanced ? [] : [forbidden(path, BALANCED_ONLY)];
    const known = old?.spec.loadBalancerSourceRanges?.map((range) => range.trim());
    return [
      ...errors,
      ...ranges.flatMap((range, i) => validateLegacyCidr(range.trim(), path.index(i), known)),
    ];
  }
  const annotation = metadata.annotations?.[SOURCE_RANGES_ANNOTATION];
  if (annotation === undefined) return [];
  const path = field("metadata", "annotations").key(SOURCE_RANGES_ANNOTATION);
  const errors = isBalanced ? [] : [forbidden(path, BALANCED_ONLY)];
  if (annotation.trim() === "" || old?.metadata.annotations?.[SOURCE_RANGES_ANNOTATION] === annotation)
    return errors;
  return [...errors, ...annotation.split(",").flatMap((range) => validateLegacyCidr(range.trim(), path))];
}

const POLICIES = ["Cluster", "Local"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameNode", "PreferSameZone"];

export function validateTrafficPolicies(spec: ServiceSpec): FieldError[] {
  const errors = [...validateExternalPolicy(spec), ...validateHealthCheckPort(spec)];
  const { internalTrafficPolicy: internal, trafficDistribution: distribution } = spec;
  if (internal !== undefined && !POLICIES.includes(internal))
    errors.push(notSupported(at.child("internalTrafficPolicy"), internal, POLICIES));
  if (distribution !== undefined && !DISTRIBUTIONS.includes(distribution))
    errors.push(notSupported(at.child("trafficDistribution"), distribution, DISTRIBUTIONS));
  return errors;
}

function validateExternalPolicy(spec: ServiceSpec): FieldError[] {
  const policy = spec.externalTrafficPolicy;
  const path = at.child("externalTrafficPolicy");
  if (!isExternallyAccessible(spec))
    return policy ? [invalid(path, policy, "may only be set for externally-accessible services")] : [];
  return policy && !POLICIES.includes(policy) ? [notSupported(path, policy, POLICIES)] : [];
}

function validateHealthCheckPort(spec: ServiceSpec): FieldError[] {
  const port = spec.healthCheckNodePort;
  const path = at.child("healthCheckNodePort");
  if (needsHealthCheckPort(spec)) return port ? portNumber(port, path) : [required(path)];
  return port
    ? [
        invalid(
          path,
          port,
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
      ]
    : [];
}

const IP_MODES = ["Proxy", "VIP"];

/** Upstream: ValidateLoadBalancerStatus. */
export function validateServiceStatus({ status, spec }: Service, old: Service): FieldError[] {
  const path = field("status", "loadBalancer", "ingress");
  const points = status.loadBalancer?.ingress ?? [];
  if (points.length > 0 && spec.type !== "LoadBalancer")
    return [forbidden(path, "may only be used when `spec.type` is LoadBalancer")];
  const known = (old.status.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? "");
  return points.flatMap(({ ip, ipMode, hostname }, i) => [
    ...(ip ? validateLegacyIp(ip, path.index(i).child("ip"), known) : []),
    ...validateIpMode(ip, ipMode, path.index(i).child("ipMode")),
    ...(hostname ? validateHostname(hostname, path.index(i).child("hostname")) : []),
  ]);
}

function validateIpMode(ip: string | undefined, mode: string | undefined, path: FieldPath): FieldError[] {
  if (mode === undefined) return ip ? [required(path, "must be specified when `ip` is set")] : [];
  if (!ip) return [forbidden(path, "may not be specified when `ip` is not set")];
  return IP_MODES.includes(mode) ? [] : [notSupported(path, mode, IP_MODES)];
}

const validateHostname = (hostname: string, path: FieldPath): FieldError[] => [
  ...checkSubdomain(hostname, path),
  ...(readIp(hostname) ? [invalid(path, hostname, "must be a DNS name, not an IP address")] : []),
];

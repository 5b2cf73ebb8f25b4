import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { validateLabels } from "../object-meta.js";
import { checkSubdomain } from "../validation/labels.js";
import { isHeadless } from "./rules.js";
import { validateClusterIps, validateExternalIps } from "./validate-ips.js";
import { validateKubeletPort, validateNodePorts, validatePorts } from "./validate-ports.js";
import { validateBalancer, validateTrafficPolicies } from "./validate-traffic.js";

const at = field("spec");
const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_MODE = "service.kubernetes.io/topology-mode";

/** Upstream: ValidateService, in its order. `old` is what is stored; of its values some may stay that are refused anew. */
export function validateService(service: Service, old?: Service): FieldError[] {
  const { spec } = service;
  const ports = spec.ports ?? [];
  const errors = validateAnnotations(service);
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== "ExternalName")
    errors.push(required(at.child("ports")));
  errors.push(...validateByType(spec), ...validatePorts(ports));
  errors.push(...validateLabels(spec.selector, at.child("selector")));
  errors.push(...validateAffinity(spec));
  errors.push(...validateClusterIps(spec, old?.spec), ...validateExternalIps(spec, old?.spec));
  if (!TYPES.includes(spec.type)) errors.push(notSupported(at.child("type"), spec.type, TYPES));
  errors.push(...validateNodePorts(spec), ...validateBalancer(service, old));
  return [...errors, ...validateTrafficPolicies(spec)];
}

/** One annotation took the place of the other. */
function validateAnnotations({ metadata: { annotations = {} } }: Service): FieldError[] {
  const [mode, hints] = [annotations[TOPOLOGY_MODE], annotations[TOPOLOGY_HINTS]];
  if (mode === undefined || hints === undefined || mode === hints) return [];
  return [
    invalid(
      field("metadata", "annotations").key(TOPOLOGY_MODE),
      mode,
      `must match annotations[${TOPOLOGY_HINTS}] when both are specified`,
    ),
  ];
}

function validateByType(spec: ServiceSpec): FieldError[] {
  if (spec.type === "ExternalName") return validateExternalName(spec);
  if (spec.type !== "LoadBalancer" && spec.type !== "NodePort") return [];
  const errors = spec.type === "LoadBalancer" ? validateKubeletPort(spec.ports ?? []) : [];
  if (isHeadless(spec))
    errors.push(
      invalid(at.child("clusterIPs").index(0), "None", `may not be set to 'None' for ${spec.type} services`),
    );
  return errors;
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const unset = "may not be set for ExternalName services";
  if (spec.clusterIPs?.length) errors.push(forbidden(at.child("clusterIPs"), unset));
  if (spec.ipFamilies?.length) errors.push(forbidden(at.child("ipFamilies"), unset));
  if (spec.ipFamilyPolicy) errors.push(forbidden(at.child("ipFamilyPolicy"), unset));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required(at.child("externalName")));
  else errors.push(...checkSubdomain(name, at.child("externalName")));
  return errors;
}

const AFFINITIES = ["ClientIP", "None"];
const MAX_AFFINITY_SECONDS = 86400;

function validateAffinity(spec: ServiceSpec): FieldError[] {
  if (!AFFINITIES.includes(spec.sessionAffinity))
    return [notSupported(at.child("sessionAffinity"), spec.sessionAffinity, AFFINITIES)];
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity !== "ClientIP" || seconds === undefined) return [];
  if (seconds > 0 && seconds <= MAX_AFFINITY_SECONDS) return [];
  return [
    invalid(
      at.child("sessionAffinityConfig", "clientIP", "timeoutSeconds"),
      seconds,
      `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`,
    ),
  ];
}

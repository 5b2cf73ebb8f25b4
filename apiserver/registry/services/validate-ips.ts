import type { ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  field,
  invalid,
  notSupported,
} from "../../../machinery/api/field-error.js";
import { INVALID_IP_MESSAGE, isIP, isIPv4 } from "../../../machinery/api/ip.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { HEADLESS } from "./rules.js";

const at = field("spec");
const FAMILIES = ["IPv4", "IPv6"];
const FAMILY_POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/** Upstream: ValidateServiceClusterIPsRelatedFields, and what initIPFamilyFields refuses on a cluster of IPv4 only. */
export function validateClusterIps(spec: ServiceSpec): FieldError[] {
  if (spec.type === "ExternalName") return [];
  return [...validateAgreement(spec), ...validateFamilies(spec), ...validateAddresses(spec)];
}

function validateAgreement({ clusterIP = "", clusterIPs = [] }: ServiceSpec): FieldError[] {
  const path = at.child("clusterIPs");
  if (clusterIPs.length === 0) return [];
  if (clusterIP === "") return [invalid(path, clusterIPs, "must be empty when `clusterIP` is not specified")];
  return clusterIPs[0] === clusterIP ? [] : [invalid(path, clusterIPs, "first value must match `clusterIP`")];
}

function validateFamilies(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const families = spec.ipFamilies ?? [];
  const unmanaged = spec.clusterIPs?.[0] === HEADLESS && Object.keys(spec.selector ?? {}).length === 0;
  families.forEach((family, i) => {
    const path = at.child("ipFamilies").index(i);
    if (!FAMILIES.includes(family)) errors.push(notSupported(path, family, FAMILIES));
    else if (families.indexOf(family) < i) errors.push(duplicate(path, family));
    else if (family === "IPv6" && !unmanaged)
      errors.push(invalid(path, family, "not configured on this cluster"));
  });
  const policy = spec.ipFamilyPolicy ?? "SingleStack";
  const path = at.child("ipFamilyPolicy");
  if (!FAMILY_POLICIES.includes(policy)) errors.push(notSupported(path, policy, FAMILY_POLICIES));
  else if (policy === "RequireDualStack" && !unmanaged)
    errors.push(invalid(path, policy, "this cluster is not configured for dual-stack services"));
  return errors;
}

function validateAddresses({ clusterIPs = [] }: ServiceSpec): FieldError[] {
  const path = at.child("clusterIPs");
  if (clusterIPs.length > 2) return [invalid(path, clusterIPs, "may only hold up to 2 values")];
  if (clusterIPs.length > 1 && clusterIPs.includes(HEADLESS))
    return [invalid(path, clusterIPs, "'None' must be the first and only value")];
  return clusterIPs.flatMap((ip, i) => {
    if (ip === HEADLESS) return [];
    if (!isIP(ip)) return [invalid(path.index(i), ip, INVALID_IP_MESSAGE)];
    return isIPv4(ip)
      ? []
      : [invalid(path.index(i), ip, "expected an IPv4 value as indicated by `ipFamilies[0]`")];
  });
}

export const validateExternalIps = (spec: ServiceSpec): FieldError[] =>
  (spec.externalIPs ?? []).flatMap((ip, i) => validateEndpointIp(ip, at.child("externalIPs").index(i)));

import type { ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  field,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { readIp } from "../../../machinery/api/ip-address.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { validateLegacyIp } from "../validation/ip.js";
import { HEADLESS, isHeadless } from "./rules.js";

const at = field("spec");
const FAMILIES = ["IPv4", "IPv6"];
const FAMILY_POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/** Upstream: ValidateServiceClusterIPsRelatedFields. */
export function validateClusterIps(spec: ServiceSpec, old?: ServiceSpec): FieldError[] {
  if (spec.type === "ExternalName") return [];
  const errors = [...validateAgreement(spec), ...validateFamilies(spec)];
  const addresses = validateAddresses(spec, old?.clusterIPs);
  errors.push(...addresses.errors);
  if (addresses.malformed) return errors;
  const ips = spec.clusterIPs ?? [];
  if (ips.length > 1 && !isDualStack(ips))
    errors.push(invalid(at.child("clusterIPs"), ips, "may specify no more than one IP for each IP family"));
  return errors.length > 0 || isHeadless(spec) ? errors : validateMatch(spec);
}

function validateAgreement({ clusterIP = "", clusterIPs = [] }: ServiceSpec): FieldError[] {
  const path = at.child("clusterIPs");
  if (clusterIP === "")
    return clusterIPs.length === 0
      ? []
      : [invalid(path, clusterIPs, "must be empty when `clusterIP` is not specified")];
  if (clusterIPs.length === 0) return [required(path)];
  return clusterIPs[0] === clusterIP ? [] : [invalid(path, clusterIPs, "first value must match `clusterIP`")];
}

function validateFamilies({ ipFamilies = [], ipFamilyPolicy }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  ipFamilies.forEach((family, i) => {
    const path = at.child("ipFamilies").index(i);
    if (!FAMILIES.includes(family)) errors.push(notSupported(path, family, FAMILIES));
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(path, family));
  });
  if (ipFamilyPolicy !== undefined && !FAMILY_POLICIES.includes(ipFamilyPolicy))
    errors.push(notSupported(at.child("ipFamilyPolicy"), ipFamilyPolicy, FAMILY_POLICIES));
  return errors;
}

/** Malformed addresses would skew what is said of them further on. */
function validateAddresses(
  { clusterIPs = [] }: ServiceSpec,
  known: readonly string[] | undefined,
): { errors: FieldError[]; malformed: boolean } {
  const path = at.child("clusterIPs");
  const errors = clusterIPs.flatMap((ip, i) => {
    if (i > 0 || ip !== HEADLESS) return validateLegacyIp(ip, path.index(i), known);
    return clusterIPs.length > 1
      ? [invalid(path, clusterIPs, "'None' must be the first and only value")]
      : [];
  });
  const malformed = errors.length > 0;
  if (clusterIPs.length > 2) errors.push(invalid(path, clusterIPs, "may only hold up to 2 values"));
  return { errors, malformed };
}

const isDualStack = (ips: readonly string[]): boolean => {
  const families = ips.map((ip) => readIp(ip)?.family);
  return families.includes("IPv4") && families.includes("IPv6") && ips.length === 2;
};

function validateMatch({ clusterIPs = [], ipFamilies = [] }: ServiceSpec): FieldError[] {
  return clusterIPs.flatMap((ip, i) => {
    const family = ipFamilies[i];
    return family === undefined || readIp(ip)?.family === family
      ? []
      : [
          invalid(
            at.child("clusterIPs").index(i),
            ip,
            `expected an ${family} value as indicated by \`ipFamilies[${i}]\``,
          ),
        ];
  });
}

export const validateExternalIps = (spec: ServiceSpec, old?: ServiceSpec): FieldError[] =>
  (spec.externalIPs ?? []).flatMap((ip, i) => {
    const path = at.child("externalIPs").index(i);
    const malformed = validateLegacyIp(ip, path, old?.externalIPs);
    return malformed.length > 0 ? malformed : validateEndpointIp(ip, path);
  });

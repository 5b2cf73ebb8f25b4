import { type FieldError, type FieldPath, invalid } from "../../../machinery/api/field-error.js";
import {
  formatIp,
  formatPrefix,
  type ReadIp,
  type ReadPrefix,
  readIp,
  readPrefix,
} from "../../../machinery/api/ip-address.js";

// Addresses and ranges as fields may say them (KEP-4858, strict since 1.36). Upstream: apimachinery util/validation.

export const INVALID_IP_MESSAGE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const INVALID_CIDR_MESSAGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** Upstream: IsValidIPForLegacyField, for fields older than strict rules. `known` are stored values, which may stay. */
export const validateLegacyIp = (ip: string, at: FieldPath, known: readonly string[] = []): FieldError[] =>
  known.includes(ip) ? [] : ipProblems(ip).map((message) => invalid(at, ip, message));

/** Upstream: IsValidIP, for fields that take the canonical form only. One message for each thing that is wrong. */
export function isCanonicalIp(ip: string): string[] {
  const problems = ipProblems(ip);
  const read = readIp(ip);
  if (problems.length > 0 || !read || formatIp(read) === ip) return problems;
  return [`must be in canonical form ("${formatIp(read)}")`];
}

function ipProblems(ip: string): string[] {
  switch (readIp(ip)?.form) {
    case undefined:
      return [INVALID_IP_MESSAGE];
    case "leadingZeros":
      return ["must not have leading 0s"];
    case "mapped":
      return ["must not be an IPv4-mapped IPv6 address"];
    case "standard":
      return [];
  }
}

/** Upstream: IsValidCIDRForLegacyField. */
export const validateLegacyCidr = (
  cidr: string,
  at: FieldPath,
  known: readonly string[] = [],
): FieldError[] =>
  known.includes(cidr) ? [] : cidrProblems(cidr).map((message) => invalid(at, cidr, message));

/** Upstream: IsValidCIDR, for fields that take the canonical form only. */
export function validateCidr(cidr: string, at: FieldPath): FieldError[] {
  const problems = cidrProblems(cidr);
  const read = readPrefix(cidr);
  if (problems.length === 0 && read && formatPrefix(read) !== cidr)
    problems.push(`must be in canonical form ("${formatPrefix(read)}")`);
  return problems.map((message) => invalid(at, cidr, message));
}

function cidrProblems(cidr: string): string[] {
  const read = readPrefix(cidr);
  if (!read) return [INVALID_CIDR_MESSAGE];
  if (read.form === "leadingZeros") return ["must not have leading 0s in IP or prefix length"];
  if (read.form === "mapped") return ["must not have an IPv4-mapped IPv6 address"];
  return hasHostBits(read) ? ["must not have bits set beyond the prefix length"] : [];
}

const hasHostBits = ({ address, base }: ReadPrefix): boolean => address.value !== base;

/** Upstream: GetWarningsForIP. */
export function ipWarnings(ip: string, at: FieldPath): string[] {
  const read = readIp(ip);
  if (!read) return [];
  const canonical = formatIp(read);
  if (isNonStandard(read))
    return [
      `${at.toString()}: non-standard IP address "${ip}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    ];
  return canonical === ip
    ? []
    : [`${at.toString()}: IPv6 address "${ip}" should be in RFC 5952 canonical format ("${canonical}")`];
}

/** Upstream: GetWarningsForCIDR. */
export function cidrWarnings(cidr: string, at: FieldPath): string[] {
  const read = readPrefix(cidr);
  if (!read) return [];
  const canonical = formatPrefix(read);
  const warnings: string[] = [];
  const path = at.toString();
  if (hasHostBits(read)) {
    const single = `${formatIp(read.address)}/${read.family === "IPv4" ? 32 : 128}`;
    warnings.push(
      `${path}: CIDR value "${cidr}" is ambiguous in this context (should be "${canonical}" or "${single}"?)`,
    );
  }
  if (isNonStandard(read))
    warnings.push(
      `${path}: non-standard CIDR value "${cidr}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    );
  if (warnings.length === 0 && canonical !== cidr)
    warnings.push(
      `${path}: IPv6 CIDR value "${cidr}" should be in RFC 5952 canonical format ("${canonical}")`,
    );
  return warnings;
}

const isNonStandard = ({ form }: Pick<ReadIp, "form">): boolean => form !== "standard";

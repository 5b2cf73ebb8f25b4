import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, invalid } from "../../../machinery/api/field-error.js";
import { type IPFamily, readIp } from "../../../machinery/api/ip-address.js";
import { HEADLESS, isHeadless, needsClusterIp } from "./rules.js";
import { validateClusterIps } from "./validate-ips.js";

const at = field("spec");

/**
 * Fills in families and policy as the cluster's `families` allow (upstream initIPFamilyFields). Answers what is wrong; the
 * fields are complete only when nothing is.
 */
export function initFamilies(
  service: Service,
  old: Service | undefined,
  families: readonly IPFamily[],
): FieldError[] {
  const { spec } = service;
  if (!needsClusterIp(spec) || keepsPreferredStack(spec, old?.spec)) return [];
  spec.ipFamilyPolicy ??=
    old?.spec.ipFamilyPolicy ?? (isUnmanaged(spec) ? "RequireDualStack" : "SingleStack");
  const malformed = validateClusterIps(spec, old?.spec);
  if (malformed.length > 0) return malformed;
  const errors = [...(old ? reduce(spec, old.spec) : []), ...checkPolicy(spec), ...infer(spec, families)];
  if (errors.length > 0) return errors;
  if (isUnmanaged(spec)) {
    complete(spec, families[0] ?? "IPv4", true);
    return [];
  }
  const unavailable = checkCluster(spec, families);
  if (unavailable.length === 0) complete(spec, families[0] ?? "IPv4", families.length === 2);
  return unavailable;
}

/**
 * A PreferDualStack Service never gains or loses an address because the cluster changed, only when it is itself changed
 * (upstream isMatchingPreferDualStackClusterIPFields).
 */
export function keepsPreferredStack(spec: ServiceSpec, old: ServiceSpec | undefined): boolean {
  const given = spec.ipFamilyPolicy;
  return (
    old !== undefined &&
    given === "PreferDualStack" &&
    old.type === spec.type &&
    (old.ipFamilyPolicy === undefined || old.ipFamilyPolicy === "PreferDualStack") &&
    sameClusterIps(spec, old) &&
    sameList(spec.ipFamilies, old.ipFamilies)
  );
}

export const sameList = (a: readonly unknown[] = [], b: readonly unknown[] = []): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);
export const sameClusterIps = (spec: ServiceSpec, old: ServiceSpec): boolean =>
  (spec.clusterIP ?? "") === (old.clusterIP ?? "") && sameList(spec.clusterIPs, old.clusterIPs);

/** Headless and without a selector: its endpoints are somebody else's, of whatever family. */
const isUnmanaged = (spec: ServiceSpec): boolean =>
  spec.clusterIP === HEADLESS && Object.keys(spec.selector ?? {}).length === 0;

/** SingleStack means to give up what is second, unless that was changed too; any other policy must not lose it. */
function reduce(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const policy = spec.ipFamilyPolicy;
  if (policy === "SingleStack") {
    if (sameClusterIps(spec, old)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1) ?? [];
    if (spec.clusterIPs?.length === 0) delete spec.clusterIPs;
    if (sameList(spec.ipFamilies, old.ipFamilies) && spec.ipFamilies)
      spec.ipFamilies = spec.ipFamilies.slice(0, 1);
    return [];
  }
  const fewer = (now: readonly unknown[] = [], before: readonly unknown[] = []): boolean =>
    now.length > 0 && now.length < before.length;
  const errors: FieldError[] = [];
  const path = at.child("ipFamilyPolicy");
  if (fewer(spec.clusterIPs, old.clusterIPs))
    errors.push(invalid(path, policy, "must be 'SingleStack' to release the secondary cluster IP"));
  if (fewer(spec.ipFamilies, old.ipFamilies))
    errors.push(invalid(path, policy, "must be 'SingleStack' to release the secondary IP family"));
  return errors;
}

function checkPolicy({ ipFamilyPolicy: policy, clusterIPs, ipFamilies }: ServiceSpec): FieldError[] {
  if (policy !== "SingleStack") return [];
  const two = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  const path = at.child("ipFamilyPolicy");
  const errors: FieldError[] = [];
  if (clusterIPs?.length === 2) errors.push(invalid(path, policy, `${two} cluster IPs are specified`));
  if (ipFamilies?.length === 2) errors.push(invalid(path, policy, `${two} IP families are specified`));
  return errors;
}

/** Families that nobody named follow from the addresses. */
function infer(spec: ServiceSpec, families: readonly IPFamily[]): FieldError[] {
  if (isHeadless(spec)) return [];
  const errors: FieldError[] = [];
  const named = spec.ipFamilies?.length ?? 0;
  const ips = spec.clusterIPs ?? [];
  for (const [i, ip] of ips.entries()) {
    const family = readIp(ip)?.family;
    if (i < named || !family) continue;
    if (families.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(
        invalid(at.child("clusterIPs").index(i), ips, `${family} is not configured on this cluster`),
      );
  }
  return errors;
}

function checkCluster(
  { ipFamilyPolicy: policy, ipFamilies = [] }: ServiceSpec,
  families: readonly IPFamily[],
): FieldError[] {
  const errors: FieldError[] = [];
  if (policy === "RequireDualStack" && families.length < 2)
    errors.push(
      invalid(at.child("ipFamilyPolicy"), policy, "this cluster is not configured for dual-stack services"),
    );
  ipFamilies.forEach((family, i) => {
    if (!families.includes(family))
      errors.push(invalid(at.child("ipFamilies").index(i), family, "not configured on this cluster"));
  });
  return errors;
}

function complete(spec: ServiceSpec, first: IPFamily, mayHaveTwo: boolean): void {
  const [family = first, second] = spec.ipFamilies ?? [];
  const other = family === "IPv4" ? "IPv6" : "IPv4";
  const wantsTwo = mayHaveTwo && spec.ipFamilyPolicy !== "SingleStack";
  spec.ipFamilies = second ? [family, second] : wantsTwo ? [family, other] : [family];
}

import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden, invalid } from "../../../machinery/api/field-error.js";
import { isHeadless, needsHealthCheckPort } from "./rules.js";
import { validateService } from "./validate.js";

const at = field("spec");
const ONCE_SET = "may not change once set";

/** Upstream: ValidateServiceUpdate. What is first of addresses and families stays; a second one may come and go. */
export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const [spec, before] = [service.spec, old.spec];
  const errors: FieldError[] = [];
  if (spec.type !== "ExternalName" && before.type !== "ExternalName") {
    if (!isHeadless(spec) || !isHeadless(before)) errors.push(...validateClusterIpChange(spec, before));
    errors.push(...validateFamilyChange(spec, before));
  }
  if (spec.type === "LoadBalancer" && before.type === "LoadBalancer")
    if (spec.loadBalancerClass !== before.loadBalancerClass)
      errors.push(invalid(at.child("loadBalancerClass"), spec.loadBalancerClass ?? null, ONCE_SET));
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec))
    if (spec.healthCheckNodePort !== before.healthCheckNodePort)
      errors.push(forbidden(at.child("healthCheckNodePort"), "field is immutable"));
  return [...errors, ...validateService(service, old)];
}

function validateClusterIpChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const path = at.child("clusterIPs");
  const [now, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  if (now.length === before.length)
    return before.flatMap((ip, i) => (ip === now[i] ? [] : [invalid(path.index(i), now, ONCE_SET)]));
  const errors: FieldError[] = [];
  if (now.length === 0) errors.push(invalid(path.index(0), now, "primary clusterIP can not be unset"));
  else if (before.length > 0 && now[0] !== before[0]) errors.push(invalid(path.index(0), now, ONCE_SET));
  if (now.length === 1 && before.length > 1) errors.push(...validateRelease(spec, "clusterIP"));
  return errors;
}

function validateFamilyChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const path = at.child("ipFamilies").index(0);
  const [now, before] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  if (now.length === before.length)
    return before.flatMap((family, i) => (family === now[i] ? [] : [invalid(path, now, ONCE_SET)]));
  const errors: FieldError[] = [];
  if (now.length < before.length && !spec.clusterIPs?.length)
    errors.push(invalid(path, now, "primary ipFamily can not be unset"));
  if (now.length > 0 && before.length > 0 && now[0] !== before[0])
    errors.push(invalid(path, spec.clusterIPs ?? [], ONCE_SET));
  if (now.length === 1 && before.length > 1) errors.push(...validateRelease(spec, "ipFamily"));
  return errors;
}

const validateRelease = ({ ipFamilyPolicy }: ServiceSpec, what: string): FieldError[] =>
  ipFamilyPolicy === "SingleStack"
    ? []
    : [
        invalid(
          at.child("ipFamilyPolicy"),
          ipFamilyPolicy ?? null,
          `must be set to 'SingleStack' when releasing the secondary ${what}`,
        ),
      ];

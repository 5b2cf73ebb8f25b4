import { type FieldError, field, invalid, required } from "../../../machinery/api/field-error.js";
import { readPrefix } from "../../../machinery/api/ip-address.js";
import type { ServiceCIDR } from "../../../machinery/api/networking-v1.js";
import { validateCidr } from "../validation/ip.js";

const at = field("spec", "cidrs");
const IMMUTABLE = "field is immutable";

/** Upstream: ValidateServiceCIDR. */
export function validateServiceCidr({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [required(at, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(at, shown(cidrs), "may only hold up to 2 values")];
  if (cidrs.length === 2 && !isDualStack(cidrs))
    return [
      invalid(
        at,
        shown(cidrs),
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
      ),
    ];
  return cidrs.flatMap((cidr, i) => validateCidr(cidr, at.index(i)));
}

/** Messages show the server's internal form of the spec. */
const shown = (cidrs: readonly string[]): object => ({ CIDRs: cidrs });

function isDualStack(cidrs: readonly string[]): boolean {
  const [first, second] = cidrs.map((cidr) => readPrefix(cidr)?.family);
  return first !== undefined && second !== undefined && first !== second;
}

/** Upstream: ValidateServiceCIDRUpdate. Ranges stay; one of the other family may join. */
export function validateServiceCidrUpdate(cidr: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const [now, before] = [cidr.spec.cidrs ?? [], old.spec.cidrs];
  if (now.length !== before.length && !(before.length === 1 && now.length === 2))
    return [invalid(at, now, IMMUTABLE)];
  const changed = before.flatMap((range, i) =>
    range === now[i] ? [] : [invalid(at.index(i), now[i], IMMUTABLE)],
  );
  return changed.length > 0 ? changed : validateServiceCidr(cidr);
}

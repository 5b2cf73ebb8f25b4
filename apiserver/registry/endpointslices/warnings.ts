import { type EndpointSlice, MANAGED_BY_LABEL } from "../../../machinery/api/discovery-v1.js";
import { field } from "../../../machinery/api/field-error.js";
import { ipWarnings } from "../validation/ip.js";

/** They put every address in canonical form, so looking would be for nothing. */
const CONTROLLERS = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

/** Upstream: warnOnDeprecatedAddressType, on creation only. */
export const addressTypeWarnings = ({ addressType }: EndpointSlice): string[] =>
  addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [];

/** Upstream: warnOnBadIPs. */
export function addressWarnings({ metadata, endpoints, addressType }: EndpointSlice): string[] {
  if (addressType === "FQDN" || CONTROLLERS.includes(metadata.labels?.[MANAGED_BY_LABEL] ?? "")) return [];
  return endpoints.flatMap(({ addresses }, i) =>
    addresses.flatMap((address, j) =>
      ipWarnings(address, field("endpoints").index(i).child("addresses").index(j)),
    ),
  );
}

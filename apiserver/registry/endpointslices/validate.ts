import type { Endpoint, EndpointSlice, EndpointSlicePort } from "../../../machinery/api/discovery-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  field,
  invalid,
  notSupported,
  required,
  tooMany,
} from "../../../machinery/api/field-error.js";
import { isIPv4, isIPv6 } from "../../../machinery/api/ip.js";
import { isLabelValue } from "../../../machinery/api/names.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { immutable, PROTOCOLS, portNumber } from "../validation/fields.js";
import { check, checkLabel, checkSubdomain } from "../validation/labels.js";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;

// Upstream: pkg/apis/discovery/validation.
export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required(field("addressType")));
  else if (!ADDRESS_TYPES.includes(slice.addressType))
    errors.push(notSupported(field("addressType"), slice.addressType, ADDRESS_TYPES));
  return [...errors, ...validateEndpointList(slice), ...validatePorts(slice.ports ?? [])];
}

export const validateEndpointSliceUpdate = (slice: EndpointSlice, old: EndpointSlice): FieldError[] => [
  ...validateEndpointSlice(slice),
  ...immutable(slice.addressType, old.addressType, field("addressType")),
];

function validateEndpointList(slice: EndpointSlice): FieldError[] {
  const at = field("endpoints");
  if (slice.endpoints.length > MAX_ENDPOINTS) return [tooMany(at, slice.endpoints.length, MAX_ENDPOINTS)];
  return slice.endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, slice.addressType, at.index(i)));
}

function validateEndpoint(
  endpoint: Endpoint,
  addressType: EndpointSlice["addressType"],
  at: FieldPath,
): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const path = at.child("addresses");
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(path, "must contain at least 1 address"));
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(path, addresses.length, MAX_ADDRESSES));
  addresses.forEach((address, i) => errors.push(...validateAddress(address, addressType, path.index(i))));
  if (endpoint.nodeName !== undefined)
    errors.push(...checkSubdomain(endpoint.nodeName, at.child("nodeName")));
  if (endpoint.zone !== undefined) errors.push(...check(isLabelValue, endpoint.zone, at.child("zone")));
  if (endpoint.hostname !== undefined) errors.push(...checkLabel(endpoint.hostname, at.child("hostname")));
  return errors;
}

function validateAddress(
  address: string,
  addressType: EndpointSlice["addressType"],
  at: FieldPath,
): FieldError[] {
  switch (addressType) {
    case "IPv4":
      return isIPv4(address)
        ? validateEndpointIp(address, at)
        : [invalid(at, address, "must be a valid IPv4 address")];
    case "IPv6":
      return isIPv6(address)
        ? validateEndpointIp(address, at)
        : [invalid(at, address, "must be a valid IPv6 address")];
    default:
      return checkSubdomain(address, at);
  }
}

function validatePorts(ports: readonly EndpointSlicePort[]): FieldError[] {
  const at = field("ports");
  if (ports.length > MAX_PORTS) return [tooMany(at, ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = at.index(i);
    const errors: FieldError[] = [];
    const name = port.name ?? "";
    if (name) errors.push(...checkLabel(name, path.child("name")));
    if (names.has(name)) errors.push(duplicate(path.child("name"), name));
    names.add(name);
    if (!PROTOCOLS.includes(port.protocol ?? ""))
      errors.push(notSupported(path.child("protocol"), port.protocol, PROTOCOLS));
    if (port.port !== undefined) errors.push(...portNumber(port.port, path.child("port")));
    return errors;
  });
}

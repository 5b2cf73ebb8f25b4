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
import { type IPFamily, readIp } from "../../../machinery/api/ip-address.js";
import {
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from "../../../machinery/api/names.js";
import { validateLabels } from "../object-meta.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { immutable, PROTOCOLS, portNumber } from "../validation/fields.js";
import { validateLegacyIp } from "../validation/ip.js";
import { check, checkLabel, checkSubdomain } from "../validation/labels.js";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
/** 100 is what the API's documentation still says. */
const MAX_PORTS = 20000;
const MAX_TOPOLOGY_LABELS = 16;
const MAX_HINTS = 8;

// Upstream: pkg/apis/discovery/validation.
export function validateEndpointSlice(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required(field("addressType")));
  else if (!ADDRESS_TYPES.includes(slice.addressType))
    errors.push(notSupported(field("addressType"), slice.addressType, ADDRESS_TYPES));
  return [...errors, ...validateEndpointList(slice, old), ...validatePorts(slice.ports ?? [])];
}

export const validateEndpointSliceUpdate = (slice: EndpointSlice, old: EndpointSlice): FieldError[] => [
  ...validateEndpointSlice(slice, old),
  ...immutable(slice.addressType, old.addressType, field("addressType")),
];

function validateEndpointList(slice: EndpointSlice, old: EndpointSlice | undefined): FieldError[] {
  const at = field("endpoints");
  if (slice.endpoints.length > MAX_ENDPOINTS) return [tooMany(at, slice.endpoints.length, MAX_ENDPOINTS)];
  let known: readonly string[] | undefined;
  const validateOne = validatorOf(slice.addressType, () => {
    known ??= old?.endpoints.flatMap(({ addresses }) => addresses) ?? [];
    return known;
  });
  return slice.endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, validateOne, at.index(i)));
}

type ValidateAddress = (address: string, at: FieldPath) => FieldError[];

function validateEndpoint(endpoint: Endpoint, validateOne: ValidateAddress, at: FieldPath): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const path = at.child("addresses");
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(path, "must contain at least 1 address"));
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(path, addresses.length, MAX_ADDRESSES));
  addresses.forEach((address, i) => errors.push(...validateOne(address, path.index(i))));
  if (endpoint.nodeName !== undefined)
    errors.push(...checkSubdomain(endpoint.nodeName, at.child("nodeName")));
  if (endpoint.deprecatedTopology)
    errors.push(...validateTopology(endpoint.deprecatedTopology, at.child("deprecatedTopology")));
  if (endpoint.zone !== undefined) errors.push(...check(isLabelValue, endpoint.zone, at.child("zone")));
  if (endpoint.hostname !== undefined) errors.push(...checkLabel(endpoint.hostname, at.child("hostname")));
  return [...errors, ...validateHints(endpoint.hints, at.child("hints"))];
}

function validateTopology(labels: Record<string, string>, at: FieldPath): FieldError[] {
  const count = Object.keys(labels).length;
  return [
    ...(count > MAX_TOPOLOGY_LABELS ? [tooMany(at, count, MAX_TOPOLOGY_LABELS)] : []),
    ...validateLabels(labels, at),
  ];
}

function validateHints(hints: Endpoint["hints"], at: FieldPath): FieldError[] {
  return [
    ...validateNames(hints?.forZones ?? [], isLabelValue, at.child("forZones")),
    ...validateNames(hints?.forNodes ?? [], isDns1123Subdomain, at.child("forNodes")),
  ];
}

function validateNames(
  names: readonly { name: string }[],
  rule: (name: string) => string[],
  at: FieldPath,
): FieldError[] {
  if (names.length > MAX_HINTS) return [tooMany(at, names.length, MAX_HINTS)];
  const seen = new Set<string>();
  return names.flatMap(({ name }, i) => {
    const path = at.index(i).child("name");
    const errors = seen.has(name) ? [duplicate(path, name)] : [];
    seen.add(name);
    return [...errors, ...check(rule, name, path)];
  });
}

/** `known` are addresses stored before, asked for only when one is found wrong. */
function validatorOf(type: EndpointSlice["addressType"], known: () => readonly string[]): ValidateAddress {
  switch (type) {
    case "IPv4":
    case "IPv6":
      return (address, at) => validateIp(address, type, at, known);
    case "FQDN":
      return validateDomainName;
    default:
      return () => [];
  }
}

function validateIp(
  ip: string,
  family: IPFamily,
  at: FieldPath,
  known: () => readonly string[],
): FieldError[] {
  const malformed = validateLegacyIp(ip, at);
  if (malformed.length > 0) return known().includes(ip) ? [] : malformed;
  if (readIp(ip)?.family === family) return validateEndpointIp(ip, at);
  return [invalid(at, ip, `must be an ${family} address`)];
}

/** Upstream: IsFullyQualifiedDomainName. */
function validateDomainName(address: string, at: FieldPath): FieldError[] {
  if (address === "") return [required(at)];
  const name = address.replace(/\.$/, "");
  const problems = isDns1123Subdomain(name);
  if (problems.length > 0) return [invalid(at, name, problems.join(","))];
  const labels = name.split(".");
  if (labels.length < 2)
    return [invalid(at, name, "should be a domain with at least two segments separated by dots")];
  return labels.flatMap((label) => {
    const wrong = isDns1123Label(label);
    return wrong.length > 0 ? [invalid(at, label, wrong.join(","))] : [];
  });
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
    if (port.appProtocol !== undefined)
      errors.push(...check(isQualifiedName, port.appProtocol, path.child("appProtocol")));
    return errors;
  });
}

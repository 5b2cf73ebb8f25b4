import type {
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
} from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  type FieldPath,
  field,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import { PROTOCOLS, portNumber } from "../validation/fields.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { validateLegacyIp } from "../validation/ip.js";
import { check, checkLabel, checkSubdomain } from "../validation/labels.js";

/** Upstream: ValidateEndpoints. Of the addresses of `old` some may stay that are refused anew. */
export function validateEndpoints({ subsets = [] }: Endpoints, old?: Endpoints): FieldError[] {
  const known = (old?.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [] }) =>
    [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
  );
  return subsets.flatMap((subset, i) => validateSubset(subset, known, field("subsets").index(i)));
}

function validateSubset(subset: EndpointSubset, known: readonly string[], at: FieldPath): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0)
    errors.push(required(at, "must specify `addresses` or `notReadyAddresses`"));
  addresses.forEach((address, i) =>
    errors.push(...validateAddress(address, known, at.child("addresses").index(i))),
  );
  notReadyAddresses.forEach((address, i) =>
    errors.push(...validateAddress(address, known, at.child("notReadyAddresses").index(i))),
  );
  ports.forEach((port, i) =>
    errors.push(...validatePort(port, ports.length > 1, at.child("ports").index(i))),
  );
  return errors;
}

function validateAddress(address: EndpointAddress, known: readonly string[], at: FieldPath): FieldError[] {
  const ip = address.ip ?? "";
  const malformed = validateLegacyIp(ip, at.child("ip"), known);
  const errors = malformed.length > 0 ? malformed : validateEndpointIp(ip, at.child("ip"));
  if (address.hostname) errors.push(...checkLabel(address.hostname, at.child("hostname")));
  if (address.nodeName) errors.push(...checkSubdomain(address.nodeName, at.child("nodeName")));
  return errors;
}

function validatePort(port: EndpointPort, needsName: boolean, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (needsName && !port.name) errors.push(required(at.child("name")));
  else if (port.name) errors.push(...checkLabel(port.name, at.child("name")));
  errors.push(...portNumber(port.port ?? 0, at.child("port")));
  if (!port.protocol) errors.push(required(at.child("protocol")));
  else if (!PROTOCOLS.includes(port.protocol))
    errors.push(notSupported(at.child("protocol"), port.protocol, PROTOCOLS));
  if (port.appProtocol !== undefined)
    errors.push(...check(isQualifiedName, port.appProtocol, at.child("appProtocol")));
  return errors;
}

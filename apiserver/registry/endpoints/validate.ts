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
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { PROTOCOLS, portNumber } from "../validation/fields.js";
import { validateEndpointIp } from "../validation/endpoint-ip.js";
import { checkLabel, checkSubdomain } from "../validation/labels.js";

export const validateEndpoints = (endpoints: Endpoints): FieldError[] =>
  (endpoints.subsets ?? []).flatMap((subset, i) => validateSubset(subset, field("subsets").index(i)));

function validateSubset(subset: EndpointSubset, at: FieldPath): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0)
    errors.push(required(at, "must specify `addresses` or `notReadyAddresses`"));
  addresses.forEach((address, i) => errors.push(...validateAddress(address, at.child("addresses").index(i))));
  notReadyAddresses.forEach((address, i) =>
    errors.push(...validateAddress(address, at.child("notReadyAddresses").index(i))),
  );
  ports.forEach((port, i) =>
    errors.push(...validatePort(port, ports.length > 1, at.child("ports").index(i))),
  );
  return errors;
}

function validateAddress(address: EndpointAddress, at: FieldPath): FieldError[] {
  const errors = validateEndpointIp(address.ip ?? "", at.child("ip"));
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
  if (port.appProtocol === "") errors.push(invalid(at.child("appProtocol"), "", "must be non-empty"));
  return errors;
}

import { type FieldError, type FieldPath, invalid, required } from "../../../machinery/api/field-error.js";
import {
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isPortName,
} from "../../../machinery/api/names.js";
import type {
  IngressBackend,
  IngressServiceBackend,
  TypedLocalObjectReference,
} from "../../../machinery/api/networking-v1.js";
import { portNumber } from "../validation/fields.js";
import { check } from "../validation/labels.js";

/** Upstream: validateIngressBackend. A backend is a Service or another object. */
export function validateBackend(backend: IngressBackend | undefined, at: FieldPath): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service && resource) return [invalid(at, "", "cannot set both resource and service backends")];
  if (resource) return validateObjectReference(resource, at.child("resource"));
  if (service) return validateServiceBackend(service, at);
  return [invalid(at, "", "resource or service backend is required")];
}

function validateServiceBackend(service: IngressServiceBackend, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { name: portName, number = 0 } = service.port ?? {};
  if (!service.name) errors.push(required(at.child("service", "name")));
  else errors.push(...check(isDns1035Label, service.name, at.child("service", "name")));
  if (portName && number) errors.push(invalid(at, "", "cannot set both port name & port number"));
  else if (portName) errors.push(...check(isPortName, portName, at.child("service", "port", "name")));
  else if (number) errors.push(...portNumber(number, at.child("service", "port", "number")));
  else errors.push(required(at, "port name or number is required"));
  return errors;
}

/** Upstream: validateIngressTypedLocalObjectReference. */
export function validateObjectReference(
  { apiGroup, kind, name }: TypedLocalObjectReference,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (apiGroup !== undefined) errors.push(...check(isDns1123Subdomain, apiGroup, at.child("apiGroup")));
  if (!kind) errors.push(required(at.child("kind"), "kind is required"));
  else errors.push(...check(isPathSegmentName, kind, at.child("kind")));
  if (!name) errors.push(required(at.child("name"), "name is required"));
  else errors.push(...check(isPathSegmentName, name, at.child("name")));
  return errors;
}

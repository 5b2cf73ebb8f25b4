import type { Container, HttpGetAction, LifecycleHandler, Probe } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isHttpHeaderName } from "../../../machinery/api/names.js";
import { nonnegative, portNumberOrName } from "./fields.js";

type Handler = LifecycleHandler & Pick<Probe, "grpc">;

/** The three probes and the two hooks of a container. */
export function validateProbesAndHooks(
  container: Container,
  gracePeriodSeconds: number,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  for (const hook of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[hook];
    if (handler) errors.push(...validateHandler(handler, gracePeriodSeconds, at.child("lifecycle", hook)));
  }
  if (livenessProbe) errors.push(...validateProbe(livenessProbe, true, at.child("livenessProbe")));
  if (readinessProbe) errors.push(...validateReadinessProbe(readinessProbe, at.child("readinessProbe")));
  if (startupProbe) errors.push(...validateProbe(startupProbe, true, at.child("startupProbe")));
  return errors;
}

function validateReadinessProbe(probe: Probe, at: FieldPath): FieldError[] {
  const errors = validateProbe(probe, false, at);
  if (probe.terminationGracePeriodSeconds !== undefined)
    errors.push(
      invalid(
        at.child("terminationGracePeriodSeconds"),
        probe.terminationGracePeriodSeconds,
        "must not be set for readinessProbes",
      ),
    );
  return errors;
}

function validateProbe(probe: Probe, oneSuccess: boolean, at: FieldPath): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const handler: Handler = {
    ...(exec && { exec }),
    ...(httpGet && { httpGet }),
    ...(tcpSocket && { tcpSocket }),
    ...(grpc && { grpc }),
  };
  const errors = validateHandler(handler, 0, at);
  const counts = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  for (const name of counts) errors.push(...nonnegative(probe[name], at.child(name)));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(at.child("terminationGracePeriodSeconds"), grace, "must be greater than 0"));
  if (oneSuccess && probe.successThreshold !== 1)
    errors.push(invalid(at.child("successThreshold"), probe.successThreshold ?? 0, "must be 1"));
  return errors;
}

function validateHandler(handler: Handler, gracePeriodSeconds: number, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let seen = 0;
  const add = (name: keyof Handler, validate: (path: FieldPath) => FieldError[]): void => {
    if (handler[name] === undefined) return;
    const path = at.child(name);
    errors.push(
      ...(seen++ > 0 ? [forbidden(path, "may not specify more than 1 handler type")] : validate(path)),
    );
  };
  add("exec", (path) => (handler.exec?.command?.length ? [] : [required(path.child("command"))]));
  add("httpGet", (path) => (handler.httpGet ? validateHttpGet(handler.httpGet, path) : []));
  add("tcpSocket", (path) => portNumberOrName(handler.tcpSocket?.port, path.child("port")));
  add("grpc", (path) => portNumberOrName(handler.grpc?.port, path.child("port")));
  add("sleep", (path) => validateSleep(handler.sleep?.seconds ?? 0, gracePeriodSeconds, path));
  if (seen === 0) errors.push(required(at, "must specify a handler type"));
  return errors;
}

function validateHttpGet(action: HttpGetAction, at: FieldPath): FieldError[] {
  const errors = action.path ? [] : [required(at.child("path"))];
  errors.push(...portNumberOrName(action.port, at.child("port")));
  if (action.scheme !== "HTTP" && action.scheme !== "HTTPS")
    errors.push(notSupported(at.child("scheme"), action.scheme, ["HTTP", "HTTPS"]));
  for (const header of action.httpHeaders ?? [])
    for (const message of isHttpHeaderName(header.name ?? ""))
      errors.push(invalid(at.child("httpHeaders"), header.name ?? "", message));
  return errors;
}

const validateSleep = (seconds: number, gracePeriodSeconds: number, at: FieldPath): FieldError[] =>
  seconds < 0 || seconds > gracePeriodSeconds
    ? [
        invalid(
          at,
          seconds,
          `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`,
        ),
      ]
    : [];

import type { Event } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, invalid, required } from "../../../machinery/api/field-error.js";
import { isDns1123Subdomain, isQualifiedName } from "../../../machinery/api/names.js";

const MAX_NAME = 128;
const MAX_MESSAGE = 1024;

/** Upstream: ValidateEventCreate; events with an eventTime are held to the rules of events.k8s.io. */
export function validateEvent(event: Event): FieldError[] {
  const errors = validateNamespace(event);
  return event.eventTime ? [...errors, ...validateNewStyle(event)] : errors;
}

/** An Event lies beside its object; those of cluster-scoped objects in `default` or `kube-system`. */
function validateNamespace({ metadata, involvedObject }: Event): FieldError[] {
  const errors: FieldError[] = [];
  const at = field("involvedObject", "namespace");
  const namespace = metadata.namespace ?? "";
  const message = "does not match event.namespace";
  if (!involvedObject.namespace) {
    if (namespace !== "" && namespace !== "default" && namespace !== "kube-system")
      errors.push(invalid(at, involvedObject.namespace ?? "", message));
  } else if (involvedObject.namespace !== namespace)
    errors.push(invalid(at, involvedObject.namespace, message));
  for (const text of isDns1123Subdomain(namespace)) errors.push(invalid(field("namespace"), namespace, text));
  return errors;
}

function validateNewStyle(event: Event): FieldError[] {
  const errors: FieldError[] = [];
  const { reportingComponent, reportingInstance, action = "", reason = "", message = "" } = event;
  if (!reportingComponent) errors.push(required(field("reportingController")));
  else
    for (const text of isQualifiedName(reportingComponent))
      errors.push(invalid(field("reportingController"), reportingComponent, text));
  const limited: [string, string][] = [
    ["reportingInstance", reportingInstance],
    ["action", action],
    ["reason", reason],
  ];
  for (const [name, value] of limited) {
    if (value === "") errors.push(required(field(name)));
    else if (value.length > MAX_NAME)
      errors.push(invalid(field(name), "", `can have at most ${MAX_NAME} characters`));
  }
  if (message.length > MAX_MESSAGE)
    errors.push(invalid(field("message"), "", `can have at most ${MAX_MESSAGE} characters`));
  return errors;
}

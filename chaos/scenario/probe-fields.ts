import { type FieldError, type FieldPath, invalid, required } from "../../machinery/api/field-error.js";
import { COMPONENTS } from "../reach.js";
import { comparator, condition, isPattern } from "./condition-fields.js";
import {
  choice,
  defined,
  duration,
  type FieldType,
  json,
  list,
  number,
  object,
  of,
  oneOrMore,
  scalar,
  text,
  type Values,
} from "./fields.js";
import { labelSelector } from "./target-fields.js";
import type { Comparison, ProbeAction, ProbeSpec } from "./types.js";

const comparisonFields = {
  comparator: of(comparator, "how it is compared", { default: "==" }),
  value: of(json, "what it is compared with", { required: true }),
};

const comparison: FieldType<Comparison> = object(
  comparisonFields,
  ({ comparator: how = "==", value }, at, errors) => {
    if (how === "matches" && !isPattern(String(value as string)))
      errors.push(invalid(at.child("value"), value, "is no regular expression"));
    if (how === "oneOf" && !Array.isArray(value))
      errors.push(invalid(at.child("value"), value, "must be a list for oneOf"));
    return { comparator: how, value };
  },
);

const namespace = of(text, "where it is", { default: "default" });

const http = object(
  {
    service: of(text, "a Service with a node port, called from this machine", { required: true }),
    namespace,
    port: of(scalar, "name or number of its port", { default: "its first" }),
    path: of(text, "what is asked for", { default: "/" }),
    method: of(choice("GET", "HEAD", "POST"), "of HTTP", { default: "GET" }),
    status: of(oneOrMore(number(100, 599, true)), "which hold", { default: "200" }),
    body: of(comparison, "how the first 64 KiB of the answer are compared"),
  },
  ({ service = "", namespace: where = "default", port, path = "/", method = "GET", status = [200], body }) =>
    defined({ kind: "http" as const, service, namespace: where, port, path, method, status, body }),
);

const command = object(
  {
    pod: of(text, "the pod it runs in"),
    selector: of(labelSelector, "or the first ready pod with these labels"),
    namespace,
    container: of(text, "in the pod", { default: "its first" }),
    command: of(list(text), "the program and its arguments", { required: true }),
    exitCode: of(number(0, 255, true), "that holds", { default: "0" }),
    output: of(comparison, "how its standard output is compared"),
  },
  (values, at, errors) => {
    const { namespace: where = "default", command: argv = [], exitCode = 0, ...rest } = values;
    if (rest.pod === undefined && rest.selector === undefined) errors.push(required(at.child("pod")));
    return defined({ kind: "command" as const, namespace: where, command: argv, exitCode, ...rest });
  },
);

const metrics = object(
  {
    component: of(choice(...COMPONENTS), "whose metrics", { required: true }),
    metric: of(
      text,
      'the name, with labels that must match: requests_total{code="200"}; all that match are summed',
      {
        required: true,
      },
    ),
    ...comparisonFields,
  },
  ({ component = "apiserver", metric = "", comparator: how = "==", value }) => ({
    kind: "metrics" as const,
    component,
    metric,
    comparison: { comparator: how, value },
  }),
);

export const probeFields = {
  name: of(text, "unique in the scenario", { required: true }),
  mode: of(
    choice("before", "after", "edge", "during", "continuous"),
    "edge: before and after; during: while a fault acts; continuous: from start to end",
    { default: "continuous" },
  ),
  interval: of(duration, "how often, with during and continuous", { default: "1s" }),
  timeout: of(duration, "of one try", { default: "2s" }),
  retries: of(number(0, 100, true), "before a failure counts", { default: "0" }),
  http: of(http, "one request"),
  command: of(command, "a program in a pod"),
  kubernetes: of(condition, "a condition on objects"),
  metrics: of(metrics, "a value that a component exports"),
};

const KINDS = ["http", "command", "kubernetes", "metrics"] as const;

export const probe: FieldType<ProbeSpec> = object(probeFields, buildProbe);

function buildProbe(
  values: Values<typeof probeFields>,
  at: FieldPath,
  errors: FieldError[],
): ProbeSpec | undefined {
  const { name = "", mode = "continuous", interval = 1000, timeout = 2000, retries = 0 } = values;
  const given = KINDS.filter((kind) => values[kind] !== undefined);
  if (given.length !== 1) {
    const isTold = errors.some(({ field }) =>
      KINDS.some((kind) => field.startsWith(`${at.toString()}.${kind}`)),
    );
    if (!isTold) errors.push(required(at, `exactly one of ${KINDS.join(", ")}`));
    return undefined;
  }
  const action: ProbeAction | undefined =
    values.http ??
    values.command ??
    values.metrics ??
    (values.kubernetes && { kind: "kubernetes", condition: values.kubernetes });
  if (!action) return undefined;
  if (interval === 0) errors.push(invalid(at.child("interval"), "0s", "must be longer than nothing"));
  return { name, mode, intervalMs: interval, timeoutMs: timeout, retries, probe: action };
}

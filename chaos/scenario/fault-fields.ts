import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  required,
} from "../../machinery/api/field-error.js";
import { condition } from "./condition-fields.js";
import { newFaultSpec } from "./defaults.js";
import {
  choice,
  defined,
  duration,
  durationRange,
  either,
  type Fields,
  type FieldType,
  type JsonSchema,
  list,
  number,
  object,
  objectSchema,
  of,
  percent,
  record,
  text,
  unsupported,
  type Values,
} from "./fields.js";
import { parameterFields, readParameters } from "./parameter-fields.js";
import { parseDurationMs, parsePercent } from "./quantities.js";
import { target } from "./target-fields.js";
import type { FaultSpec, Range, Trigger } from "./types.js";
import type { Vocabulary } from "./vocabulary.js";

/** A step, where it stands in the file, and which of its fields were written. */
export interface PlacedFault {
  spec: FaultSpec;
  at: FieldPath;
  given: ReadonlySet<string>;
  /** The same of its target. */
  targetGiven: ReadonlySet<string>;
}

type After = { delayMs: Range; step?: string; event: "injected" | "healed" };

/** A delay from the start, or the name of a step. */
const afterShort: FieldType<After> = {
  type: "duration or step",
  schema: { type: ["string", "number"] },
  read(value, at, errors) {
    const delay = /^\d/.test(String(value as string)) ? durationRange.read(value, at, errors) : undefined;
    if (delay) return { delayMs: delay, event: "healed" };
    if (typeof value === "string" && value !== "" && !/^\d/.test(value))
      return { delayMs: { min: 0, max: 0 }, step: value, event: "healed" };
    if (typeof value !== "string" || value === "")
      errors.push(invalid(at, value, "must be a duration, or the name of a step"));
    return undefined;
  },
};

const afterLong: FieldType<After> = object(
  {
    step: of(text, "the step that is waited for", { required: true }),
    event: of(choice("injected", "healed"), "what of it", { default: "healed" }),
    delay: of(durationRange, "how long after that", { default: "0s" }),
  },
  ({ step = "", event = "healed", delay = { min: 0, max: 0 } }) => ({ step, event, delayMs: delay }),
);

/** Two durations. */
const between: FieldType<Range> = {
  type: "[duration, duration]",
  schema: { type: "array", minItems: 2, maxItems: 2, items: duration.schema },
  read(value, at, errors) {
    const [min, max] = Array.isArray(value) && value.length === 2 ? value.map(parseDurationMs) : [];
    if (min !== undefined && max !== undefined && min <= max) return { min, max };
    errors.push(invalid(at, value, "must be two durations in order, such as [2s, 10s]"));
    return undefined;
  },
};

/** A duration, or a percentage of the interval. */
const jitter: FieldType<{ ms: number } | { percent: number }> = {
  type: "duration or percentage",
  schema: { type: "string" },
  read(value, at, errors) {
    const [ms, share] = [parseDurationMs(value), parsePercent(value)];
    if (ms !== undefined) return { ms };
    if (share !== undefined) return { percent: share };
    errors.push(invalid(at, value, "must be a duration such as 500ms, or a percentage such as 20%"));
    return undefined;
  },
};

const TIMES_LIMIT = 1_000_000;

export const stepFields = (vocabulary: Vocabulary) => {
  const names = vocabulary.faults.map(({ name }) => name);
  const fault: FieldType<string> = {
    type: "name of a fault",
    schema: { enum: names },
    read(value, at, errors) {
      if (typeof value === "string" && names.includes(value)) return value;
      errors.push(unsupported(at, value, names));
      return undefined;
    },
  };
  return {
    name: of(text, "unique in the scenario", { default: "the fault's" }),
    fault: of(fault, "what breaks or changes; see `kubesim chaos explain`"),
    action: of(fault, "the same as `fault`, for changes"),
    at: of(durationRange, "when, from the start of the traffic; a range is drawn from"),
    after: of(either(afterShort, afterLong), "a delay, or the name of a step that has healed before"),
    between: of(between, "at a random moment of this window"),
    when: of(condition, "then also waits for a condition on the cluster"),
    timeout: of(duration, "how long `when` is waited for", { default: "to the end" }),
    every: of(durationRange, "again and again, the first time one interval after the start"),
    jitter: of(jitter, "up to so much later, drawn anew each time", { default: "0s" }),
    times: of(number(1, TIMES_LIMIT, true), "with `every`: at most so often", { default: "no limit" }),
    probability: of(percent, "how likely each injection is made", { default: "100%" }),
    until: of(duration, "the end of repeating, or of a fault without `duration`", { default: "the run's" }),
    duration: of(durationRange, "how long each injection is held", { default: "to `until`" }),
    target: of(target, "what is hit"),
    parameters: of(record, "of the fault"),
  };
};

type StepValues = Values<ReturnType<typeof stepFields>>;

/** Steps of a run that lasts `durationMs`. */
export const steps = (vocabulary: Vocabulary, durationMs: number): FieldType<PlacedFault[]> =>
  list(step(vocabulary, durationMs));

function step(vocabulary: Vocabulary, durationMs: number): FieldType<PlacedFault> {
  const fields = stepFields(vocabulary);
  return {
    ...object(fields, (values, at, errors) => buildStep(vocabulary, durationMs, values, at, errors)),
    schema: stepSchema(vocabulary, fields),
  };
}

function buildStep(
  vocabulary: Vocabulary,
  durationMs: number,
  values: StepValues,
  at: FieldPath,
  errors: FieldError[],
): PlacedFault | undefined {
  checkStart(values, at, errors);
  checkRepeat(values, at, errors);
  const fault = vocabulary.faults.find(({ name }) => name === (values.fault ?? values.action));
  if (!fault) return undefined;
  const { parameters: raw = {}, name, target: whom, duration: lasts } = values;
  const spec = newFaultSpec(
    defined({
      fault: fault.name,
      name,
      trigger: triggerOf(values, durationMs),
      target: whom?.target,
      durationMs: lasts,
      parameters: readParameters(
        fault.parameters,
        raw,
        at.child("parameters"),
        errors,
        vocabulary.readObjects,
      ),
    }),
  );
  return { spec, at, given: new Set(Object.keys(values)), targetGiven: whom?.given ?? new Set() };
}

function triggerOf(values: StepValues, durationMs: number): Trigger {
  const { after, every, when, probability = 100, until } = values;
  const jitterMs = (given: StepValues["jitter"], intervalMs: number): number => {
    if (!given) return 0;
    return "ms" in given ? given.ms : (intervalMs * given.percent) / 100;
  };
  return {
    startMs: values.at ?? values.between ?? after?.delayMs ?? { min: 0, max: 0 },
    probability,
    untilMs: until ?? durationMs,
    ...(after?.step === undefined ? {} : { after: { step: after.step, event: after.event } }),
    ...(when ? { when: { condition: when, timeoutMs: values.timeout ?? durationMs } } : {}),
    ...(every
      ? {
          repeat: {
            everyMs: every,
            jitterMs: jitterMs(values.jitter, every.min),
            times: values.times ?? TIMES_LIMIT,
          },
        }
      : {}),
  };
}

function checkStart(values: StepValues, at: FieldPath, errors: FieldError[]): void {
  if (values.fault === undefined && values.action === undefined && !hasError(errors, at, "fault", "action"))
    errors.push(required(at.child("fault")));
  if (values.fault !== undefined && values.action !== undefined)
    errors.push(forbidden(at.child("action"), "may not be given together with fault"));
  const starts = (["at", "between", "after"] as const).filter((name) => values[name] !== undefined);
  for (const name of starts.slice(1))
    errors.push(forbidden(at.child(name), `may not be given together with ${starts[0]}`));
  if (values.timeout !== undefined && !values.when)
    errors.push(forbidden(at.child("timeout"), "only with when"));
}

const hasError = (errors: readonly FieldError[], at: FieldPath, ...names: string[]): boolean =>
  names.some((name) => errors.some((error) => error.field === at.child(name).toString()));

function checkRepeat(values: StepValues, at: FieldPath, errors: FieldError[]): void {
  for (const name of ["jitter", "times"] as const) {
    if (values[name] !== undefined && !values.every)
      errors.push(forbidden(at.child(name), "only with every"));
  }
  if (values.every?.max === 0) errors.push(invalid(at.child("every"), "0s", "must be longer than nothing"));
}

/** The fields of a step; what `parameters` may hold follows from its fault. */
function stepSchema(vocabulary: Vocabulary, fields: Fields): JsonSchema {
  const parametersOf = vocabulary.faults.map(({ name, parameters }) => ({
    if: {
      anyOf: [
        { properties: { fault: { const: name } }, required: ["fault"] },
        { properties: { action: { const: name } }, required: ["action"] },
      ],
    },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: { parameters: objectSchema(parameterFields(parameters)) } },
  }));
  return {
    ...objectSchema(fields),
    anyOf: [{ required: ["fault"] }, { required: ["action"] }],
    allOf: parametersOf,
  };
}

import {
  duplicate,
  type FieldError,
  type FieldPath,
  field,
  notSupported,
  required,
} from "../../machinery/api/field-error.js";
import { clusterShape } from "./cluster-fields.js";
import { condition } from "./condition-fields.js";
import { contradictions } from "./contradictions.js";
import { DEFAULT_DURATION_MS, newScenario } from "./defaults.js";
import { type PlacedFault, steps } from "./fault-fields.js";
import {
  defined,
  duration,
  either,
  type Fields,
  type FieldType,
  flag,
  isRecord,
  list,
  number,
  object,
  objectSchema,
  of,
  percent,
  type Raw,
  readFields,
  record,
  scalar,
  text,
  unsupported,
  type Values,
} from "./fields.js";
import { parameterFields, readParameters } from "./parameter-fields.js";
import { probe } from "./probe-fields.js";
import { parseDurationMs } from "./quantities.js";
import { tooManyRequests, traffic } from "./traffic-fields.js";
import type { Budgets, InvariantSpec, ManifestSource, Scenario, SteadyState } from "./types.js";
import type { Vocabulary } from "./vocabulary.js";

export const SCENARIO_API_VERSION = "chaos.kubesim.dev/v1";
export const SCENARIO_KIND = "Scenario";

const manifest: FieldType<ManifestSource> = {
  type: "file, folder or object",
  schema: { type: ["string", "object"] },
  read: (value, at, errors) => (isRecord(value) ? value : text.read(value, at, errors)),
};

const budgetFields = {
  failedRequests: of(number(0, Number.MAX_SAFE_INTEGER, true), "so many requests may fail", { default: "0" }),
  failedRatio: of(percentOrRatio(), "or this share of them (0 to 1, or 1%); the larger budget counts"),
  latencyP50: of(duration, "half of the requests are faster"),
  latencyP99: of(duration, "99 of 100 requests are faster"),
  tablesAgreeWithin: of(duration, "each change is in the tables of all nodes so long after the proxy saw it"),
  endpointsConvergeWithin: of(duration, "each pod's readiness is in an EndpointSlice after so long"),
};

function percentOrRatio(): FieldType<number> {
  return {
    type: "ratio or percentage",
    schema: { type: ["number", "string"] },
    read(value, at, errors) {
      if (typeof value === "number") return number(0, 1).read(value, at, errors);
      const share = percent.read(value, at, errors);
      return share === undefined ? undefined : share / 100;
    },
  };
}

const budgets: FieldType<Budgets> = object(budgetFields, (values) => {
  const { latencyP50, latencyP99, tablesAgreeWithin, endpointsConvergeWithin, ...rest } = values;
  return defined({
    ...rest,
    latencyP50Ms: latencyP50,
    latencyP99Ms: latencyP99,
    tablesAgreeWithinMs: tablesAgreeWithin,
    endpointsConvergeWithinMs: endpointsConvergeWithin,
  });
});

const steadyState: FieldType<SteadyState> = object(
  {
    deployments: of(flag, "every Deployment is available and up to date", { default: "true" }),
    conditions: of(list(condition), "what else must hold"),
    timeout: of(duration, "at the start, and again after the last fault", { default: "60s" }),
  },
  ({ deployments = true, conditions = [], timeout = 60_000 }) => ({
    deployments,
    conditions,
    timeoutMs: timeout,
  }),
);

/** A name, or `{name, parameters}`. */
function invariant({ checkers }: Vocabulary): FieldType<InvariantSpec> {
  const names = checkers.map(({ name }) => name);
  const build = (name: string, raw: Raw, at: FieldPath, errors: FieldError[]): InvariantSpec | undefined => {
    const checker = checkers.find((known) => known.name === name);
    if (checker)
      return {
        name,
        parameters: readParameters(checker.parameters ?? {}, raw, at.child("parameters"), errors),
      };
    errors.push(unsupported(at, name, names));
    return undefined;
  };
  const short: FieldType<InvariantSpec> = {
    type: "name of an invariant",
    schema: { enum: names },
    read: (value, at, errors) => build(String(value as string), {}, at, errors),
  };
  const long = object(
    {
      name: of(text, "see `kubesim chaos explain`", { required: true }),
      parameters: of(record, "of the invariant"),
    },
    ({ name, parameters = {} }, at, errors) =>
      name === undefined ? undefined : build(name, parameters, at, errors),
  );
  const schemas = checkers.map(({ name, parameters = {} }) => ({
    type: "object",
    additionalProperties: false,
    required: ["name"],
    properties: { name: { const: name }, parameters: objectSchema(parameterFields(parameters)) },
  }));
  return { ...either(short, long), schema: { anyOf: [{ enum: names }, ...schemas] } };
}

/** The fields of `spec`; the window of steps follows from the scenario's own duration. */
export const scenarioFields = (vocabulary: Vocabulary, durationMs: number) => ({
  seed: of(scalar, "what chance is drawn from; --seed overrides it", { default: "0" }),
  duration: of(duration, "of traffic and faults", { default: "30s" }),
  deadline: of(duration, "a run that takes longer could not be run", { default: "15m" }),
  cluster: of(clusterShape, "the cluster it is for: a simulated one is made so, a live one must be so"),
  manifests: of(list(manifest), "what is applied first; files and folders are relative to the scenario's"),
  traffic: of(list(traffic), "who calls whom"),
  faults: of(steps(vocabulary, durationMs), "what breaks or changes, and when"),
  steps: of(
    { ...steps(vocabulary, durationMs), schema: { $ref: "#/properties/spec/properties/faults" } },
    "the same as `faults`; both lists may be given",
  ),
  probes: of(list(probe), "what is looked at before, during and after"),
  invariants: of(list(invariant(vocabulary)), "what must hold"),
  budgets: of(budgets, "what is judged by numbers; what is given is judged"),
  steadyState: of(steadyState, "what must hold at the start, and again after the last fault"),
});

type SpecValues = Values<ReturnType<typeof scenarioFields>>;

/** The scenario, or every field error of it. */
export function parseScenario(
  document: unknown,
  vocabulary: Vocabulary,
): { scenario: Scenario; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const root = isRecord(document) ? document : {};
  const spec = isRecord(root.spec) ? root.spec : {};
  const durationMs = parseDurationMs(spec.duration) ?? DEFAULT_DURATION_MS;
  const head = readFields(root, rootFields, field(""), errors);
  if (root.apiVersion !== SCENARIO_API_VERSION)
    errors.push(notSupported(field("apiVersion"), root.apiVersion, [SCENARIO_API_VERSION]));
  if (root.kind !== SCENARIO_KIND) errors.push(notSupported(field("kind"), root.kind, [SCENARIO_KIND]));
  const name = isRecord(head.metadata) ? head.metadata.name : undefined;
  if (typeof name !== "string" || name === "") errors.push(required(field("metadata", "name")));
  const values = readFields(spec, scenarioFields(vocabulary, durationMs), field("spec"), errors);
  const placed = withNames([...(values.faults ?? []), ...(values.steps ?? [])], errors);
  errors.push(...contradictions(placed, vocabulary.faults, { durationMs, names: namesIn(spec) }));
  errors.push(...duplicates(values));
  errors.push(...tooManyRequests(values.traffic ?? [], durationMs, field("spec", "traffic")));
  return { scenario: buildScenario(String(name), durationMs, values, placed), errors: told(errors) };
}

/** As an object on the wire has it; metadata may carry labels and annotations. */
const rootFields: Fields = {
  apiVersion: of(text, "chaos.kubesim.dev/v1"),
  kind: of(text, "Scenario"),
  metadata: of(record, "name, and labels and annotations as for any object", { required: true }),
  spec: of(record, "the scenario", { required: true }),
};

function buildScenario(
  name: string,
  durationMs: number,
  values: SpecValues,
  placed: readonly PlacedFault[],
): Scenario {
  const {
    seed,
    deadline,
    cluster,
    manifests,
    traffic: clients,
    probes,
    invariants,
    steadyState: steady,
  } = values;
  return newScenario({
    name,
    durationMs,
    faults: placed.map(({ spec }) => spec),
    ...defined({
      seed,
      deadlineMs: deadline,
      cluster,
      manifests,
      traffic: clients,
      probes,
      invariants,
      budgets: values.budgets,
      steadyState: steady,
    }),
  });
}

/** Steps without a name are called as their fault, numbered from the second on; names that were given are unique. */
function withNames(placed: readonly PlacedFault[], errors: FieldError[]): PlacedFault[] {
  const taken = new Set<string>();
  return placed.map((one) => {
    const { spec, at, given } = one;
    if (given.has("name") && taken.has(spec.name)) errors.push(duplicate(at.child("name"), spec.name));
    let name = spec.name;
    for (let i = 2; !given.has("name") && taken.has(name); i++) name = `${spec.fault}-${i}`;
    taken.add(name);
    return { ...one, spec: { ...spec, name } };
  });
}

/** Names of all steps, also of those that could not be read. */
const namesIn = ({ faults, steps: more }: Raw): string[] =>
  [faults, more]
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    .flatMap((step) => (isRecord(step) && typeof step.name === "string" ? [step.name] : []));

function duplicates({ traffic: clients = [], probes = [] }: SpecValues): FieldError[] {
  const twice = (names: readonly string[], at: FieldPath): FieldError[] =>
    names.flatMap((name, i) =>
      name !== "" && names.indexOf(name) < i ? [duplicate(at.index(i).child("name"), name)] : [],
    );
  return [
    ...twice(
      clients.map(({ name }) => name),
      field("spec", "traffic"),
    ),
    ...twice(
      probes.map(({ name }) => name),
      field("spec", "probes"),
    ),
  ];
}

/** Each once: a fault that is not known is told by its field and by its lack. */
const told = (errors: readonly FieldError[]): FieldError[] => [
  ...new Map(errors.map((error) => [`${error.field} ${error.body}`, error])).values(),
];

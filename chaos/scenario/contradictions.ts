import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  required,
} from "../../machinery/api/field-error.js";
import type { PlacedFault } from "./fault-fields.js";
import { formatDuration } from "./quantities.js";
import { hint } from "./suggest.js";
import type { FaultSpec, TargetSpec } from "./types.js";
import type { Vocabulary } from "./vocabulary.js";

type KnownFault = Vocabulary["faults"][number];

/** What each step says that cannot be, alone or beside the others. */
export function contradictions(
  placed: readonly PlacedFault[],
  faults: readonly KnownFault[],
  { durationMs, names }: { durationMs: number; names: readonly string[] },
): FieldError[] {
  const faultOf = ({ fault }: FaultSpec): KnownFault | undefined => faults.find(({ name }) => name === fault);
  return [
    ...placed.flatMap((one) => {
      const fault = faultOf(one.spec);
      return fault ? [...checkTime(one, fault, durationMs), ...checkTarget(one, fault)] : [];
    }),
    ...checkOrder(placed, names),
    ...checkOverlaps(
      placed.filter(({ spec }) => {
        const fault = faultOf(spec);
        return fault && !fault.momentary && isFixed(spec, fault);
      }),
    ),
  ];
}

function checkTime({ spec, at, given }: PlacedFault, fault: KnownFault, durationMs: number): FieldError[] {
  const { startMs, after, repeat, untilMs } = spec.trigger;
  const errors: FieldError[] = [];
  if (fault.momentary && spec.durationMs)
    errors.push(forbidden(at.child("duration"), `${fault.name} is done at once; it cannot be held`));
  if (given.has("duration") && given.has("until") && !repeat)
    errors.push(forbidden(at.child("until"), "may not be given together with duration, unless with every"));
  if (given.has("until") && untilMs > durationMs)
    errors.push(
      invalid(
        at.child("until"),
        formatDuration(untilMs),
        `after the run, which lasts ${formatDuration(durationMs)}`,
      ),
    );
  if (after) return errors;
  const startsAt = formatDuration(startMs.min);
  const startField = at.child(["at", "between", "after"].find((name) => given.has(name)) ?? "at");
  if (startMs.min >= durationMs && durationMs > 0)
    errors.push(invalid(startField, startsAt, `after the run, which lasts ${formatDuration(durationMs)}`));
  else if (given.has("until") && untilMs <= startMs.min)
    errors.push(invalid(at.child("until"), formatDuration(untilMs), `before the step starts at ${startsAt}`));
  else if (repeat && startMs.min + repeat.everyMs.min > untilMs)
    errors.push(
      invalid(
        at.child("every"),
        formatDuration(repeat.everyMs.min),
        `the first would come after the step has ended at ${formatDuration(untilMs)}`,
      ),
    );
  return errors;
}

const COMMON = ["exclude", "mode", "count", "percent", "optional", "minAge"];
const OBJECTS = ["namespace", "selector", "fieldSelector", "name", ...COMMON];
const NODES = [
  "name",
  "node",
  "selector",
  "nodeSelector",
  "fieldSelector",
  "zone",
  "namespace",
  "owner",
  ...COMMON,
];

/** Which fields of a target mean something to a fault. */
const MEANINGFUL: Readonly<Record<KnownFault["targets"], readonly string[]>> = {
  pods: [...OBJECTS, "owner", "node", "nodeSelector", "zone", "phase"],
  nodes: NODES,
  services: OBJECTS,
  deployments: OBJECTS,
  component: ["component", ...NODES],
  links: ["from", "to", "direction", ...COMMON],
  none: ["optional"],
};
const NARROWING = [
  "selector",
  "fieldSelector",
  "name",
  "owner",
  "node",
  "nodeSelector",
  "zone",
  "phase",
  "minAge",
];

function checkTarget({ spec, at, targetGiven }: PlacedFault, fault: KnownFault): FieldError[] {
  const path = at.child("target");
  const meaningful = MEANINGFUL[fault.targets];
  const errors = [...targetGiven]
    .filter((name) => !meaningful.includes(name))
    .map((name) =>
      forbidden(
        path.child(name),
        fault.targets === "none"
          ? `${fault.name} takes no target`
          : `${fault.name} hits ${wordFor(fault.targets)}, which this does not select`,
      ),
    );
  if (missesTarget(spec.target, targetGiven, fault)) errors.push(...missing(path, fault));
  return errors;
}

const wordFor = (targets: KnownFault["targets"]): string =>
  targets === "component" ? "a component" : targets;

/** Pods, Services and Deployments are never meant all together by silence; any node may be. */
function missesTarget(target: TargetSpec, given: ReadonlySet<string>, fault: KnownFault): boolean {
  const { targets, otherwise } = fault;
  if (otherwise !== undefined) return false;
  if (targets === "none" || targets === "nodes") return false;
  if (targets === "component") return target.component === undefined;
  if (targets === "links") return target.from === undefined && target.to === undefined;
  return !NARROWING.some((name) => given.has(name)) && !(given.has("namespace") && target.mode === "all");
}

function missing(path: FieldPath, { targets }: KnownFault): FieldError[] {
  if (targets === "component") return [required(path.child("component"))];
  if (targets === "links") return [required(path.child("from"), "or to")];
  return [required(path.child("selector"), "say which: by selector, name, owner, node or zone")];
}

/** Steps that wait for what is not there, or for each other. */
function checkOrder(placed: readonly PlacedFault[], unread: readonly string[]): FieldError[] {
  const byName = new Map(placed.map((one) => [one.spec.name, one]));
  const names = [...byName.keys()];
  return placed.flatMap(({ spec, at }) => {
    const step = spec.trigger.after?.step;
    if (step === undefined) return [];
    const path = at.child("after");
    if (!byName.has(step) && unread.includes(step)) return [];
    if (!byName.has(step)) {
      const others = names.filter((name) => name !== spec.name);
      const known =
        others.length > 0 ? `; steps are ${others.map((name) => JSON.stringify(name)).join(", ")}` : "";
      return [invalid(path, step, `no step has this name${known}${hint(step, others)}`)];
    }
    const cycle = waitingCycle(spec.name, byName);
    return cycle ? [invalid(path, step, `steps wait for each other: ${cycle.join(" → ")}`)] : [];
  });
}

/** The names from a step back to itself; undefined when its waiting ends. */
function waitingCycle(start: string, byName: ReadonlyMap<string, PlacedFault>): string[] | undefined {
  const path = [start];
  for (let next = byName.get(start)?.spec.trigger.after?.step; next !== undefined; ) {
    path.push(next);
    if (next === start) return path;
    if (path.indexOf(next) < path.length - 1) return undefined;
    next = byName.get(next)?.spec.trigger.after?.step;
  }
  return undefined;
}

/** Two injections of one fault on one target at one time, as far as the file alone shows it. */
function checkOverlaps(fixed: readonly PlacedFault[]): FieldError[] {
  return fixed.flatMap(({ spec, at }, i) => {
    const { repeat } = spec.trigger;
    if (
      repeat &&
      repeat.times > 1 &&
      (spec.durationMs?.max ?? Number.POSITIVE_INFINITY) > repeat.everyMs.min
    ) {
      return [
        invalid(
          at.child("every"),
          formatDuration(repeat.everyMs.min),
          "comes again before the last one is healed, on the same target",
        ),
      ];
    }
    const other = fixed.slice(0, i).find((earlier) => overlap(earlier.spec, spec));
    return other
      ? [forbidden(at, `hits the same target as step ${JSON.stringify(other.spec.name)} while that is held`)]
      : [];
  });
}

/** Its time and its target do not depend on the run. */
function isFixed({ trigger, target }: FaultSpec, { targets }: KnownFault): boolean {
  const named = target.name ?? (targets === "pods" ? undefined : target.node);
  return (
    trigger.after === undefined &&
    trigger.when === undefined &&
    (target.component !== undefined || target.mode === "all" || (named !== undefined && !named.includes("*")))
  );
}

function overlap(a: FaultSpec, b: FaultSpec): boolean {
  if (a.fault !== b.fault || JSON.stringify(a.target) !== JSON.stringify(b.target)) return false;
  const [windowA, windowB] = [windowOf(a), windowOf(b)];
  return windowA.from < windowB.to && windowB.from < windowA.to;
}

/** When it is certainly held: from its latest start to its earliest end. A range that is drawn leaves less. */
function windowOf({ trigger, durationMs }: FaultSpec): { from: number; to: number } {
  const from = trigger.startMs.max + (trigger.repeat?.everyMs.max ?? 0);
  if (trigger.repeat) return { from, to: Math.max(from, trigger.untilMs) };
  const to = durationMs ? trigger.startMs.min + durationMs.min : trigger.untilMs;
  return { from, to: Math.max(from, to) };
}

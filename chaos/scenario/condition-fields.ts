import { type FieldError, type FieldPath, invalid, required } from "../../machinery/api/field-error.js";
import { COMPARATORS, describeComparison } from "../comparison.js";
import { resourceNamed, resourceWords } from "../resources.js";
import {
  choice,
  either,
  type FieldType,
  json,
  object,
  of,
  text,
  unsupported,
  type Values,
} from "./fields.js";
import { labelSelector } from "./target-fields.js";
import type { Comparator, Comparison, Condition, ConditionCheck } from "./types.js";

export const comparator = choice(...COMPARATORS);

const TEXT = /^([A-Za-z]+)(?:\/(\S+)|\[([^\]]*)\])?(?:\s+in\s+(\S+))?\s+(.+)$/;
const COMPARED = /^(\S+)\s+(==|!=|<=|>=|<|>|contains|matches)\s+(.+)$/;

/** `deployment/web available == 2`, `pods[app=web] in shop count >= 3`, `pod/x absent`. */
const conditionText: FieldType<Condition> = {
  type: "condition",
  schema: { type: "string", examples: ["deployment/web available == 2"] },
  read(value, at, errors) {
    const read = typeof value === "string" ? parseText(value, at, errors) : undefined;
    if (read === undefined) {
      errors.push(
        invalid(
          at,
          value,
          "must be a condition such as `deployment/web available == 2`, `pods[app=web] in shop count >= 3` or `pod/x absent`",
        ),
      );
    }
    return read === "told" ? undefined : read;
  },
};

function parseText(value: string, at: FieldPath, errors: FieldError[]): Condition | "told" | undefined {
  const [, resource, name, selector, namespace, rest] = TEXT.exec(value.trim()) ?? [];
  const check = rest === undefined ? undefined : parseCheck(rest);
  if (resource === undefined || check === undefined) return undefined;
  if (!isKnownResource(resource, at, errors)) return "told";
  const pattern = wrongPattern(check);
  if (pattern !== undefined) {
    errors.push(invalid(at, pattern, "is no regular expression"));
    return "told";
  }
  return {
    text: value.trim(),
    resource,
    namespace: namespace ?? "default",
    ...(name === undefined ? {} : { name }),
    ...(selector ? { selector } : {}),
    check,
  };
}

function parseCheck(rest: string): ConditionCheck | undefined {
  if (rest === "present" || rest === "absent") return { kind: rest };
  const [, path, operator, value] = COMPARED.exec(rest) ?? [];
  if (path === undefined || value === undefined) return undefined;
  const comparison: Comparison = { comparator: operator as Comparator, value: unquoted(value) };
  return path === "count" ? { kind: "count", comparison } : { kind: "field", path, comparison };
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;

function isKnownResource(resource: string, at: FieldPath, errors: FieldError[]): boolean {
  if (resourceNamed(resource)) return true;
  errors.push(unsupported(at, resource, resourceWords));
  return false;
}

/** A `matches` whose pattern does not compile. */
function wrongPattern(check: ConditionCheck): string | undefined {
  if (check.kind !== "field" || check.comparison.comparator !== "matches") return undefined;
  const pattern = String(check.comparison.value as string);
  return isPattern(pattern) ? undefined : pattern;
}

export function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

export const conditionFields = {
  resource: of(text, "kind, plural or short name: deployment, pods, svc", { required: true }),
  namespace: of(text, "`*` is every namespace", { default: "default" }),
  name: of(text, "one object"),
  selector: of(labelSelector, "all objects with these labels"),
  is: of(choice("present", "absent"), "asks only whether it is there"),
  count: of(comparator, "compares how many there are with `value`"),
  path: of(text, "a JSONPath, the type of a condition (Ready), or a short word (available, ready, phase)"),
  comparator: of(comparator, "how the value at `path` is compared; with several objects each must hold", {
    default: "==",
  }),
  value: of(json, "what it is compared with"),
};

const conditionObject: FieldType<Condition> = object(conditionFields, buildCondition);

function buildCondition(
  values: Values<typeof conditionFields>,
  at: FieldPath,
  errors: FieldError[],
): Condition | undefined {
  const { resource, namespace = "default", name, selector } = values;
  if (resource === undefined || !isKnownResource(resource, at.child("resource"), errors)) return undefined;
  const check = checkOf(values);
  if (!check) {
    errors.push(required(at.child("path"), "say what is asked: is, count or path"));
    return undefined;
  }
  const subject = `${resource}${name ? `/${name}` : selector ? `[${selector}]` : ""}`;
  const inNamespace = namespace === "default" ? "" : ` in ${namespace}`;
  return {
    text: `${subject}${inNamespace} ${describeCheck(check)}`,
    resource,
    namespace,
    ...(name === undefined ? {} : { name }),
    ...(selector === undefined ? {} : { selector }),
    check,
  };
}

function checkOf({ is, count, path, comparator: how, value }: Values<typeof conditionFields>) {
  if (is !== undefined) return { kind: is };
  if (count !== undefined) return { kind: "count" as const, comparison: { comparator: count, value } };
  if (path === undefined) return undefined;
  return { kind: "field" as const, path, comparison: { comparator: how ?? ("==" as const), value } };
}

function describeCheck(check: ConditionCheck): string {
  if (check.kind === "field") return `${check.path} ${describeComparison(check.comparison)}`;
  return check.kind === "count" ? `count ${describeComparison(check.comparison)}` : check.kind;
}

export const condition: FieldType<Condition> = either(conditionText, conditionObject);

import { deepEqual, setOwn } from "../deep-equal.js";
import { fieldSchema, mergeMarks, type Schema } from "../schema/schema.js";

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The strategic merge patch that `kubectl apply` sends: what `modified` sets differently from `current`, and what
 * `original` (the last applied configuration) had that `modified` no longer has. Empty when there is nothing to do.
 * Upstream: apimachinery pkg/util/strategicpatch CreateThreeWayMergePatch.
 */
export function threeWayMergePatch(
  original: unknown,
  modified: unknown,
  current: unknown,
  schema: Schema | undefined,
): Json {
  const delta = diffMaps(asObject(current), asObject(modified), schema, "additions");
  const deletions = diffMaps(asObject(original), asObject(modified), schema, "deletions");
  return mergePatches(deletions, delta, schema);
}

const asObject = (value: unknown): Json => (isObject(value) ? value : {});

/** What to report: keys that are new or changed in `to`, or keys of `from` that `to` no longer has. */
type Wanted = "additions" | "deletions";

function diffMaps(from: Json, to: Json, schema: Schema | undefined, wanted: Wanted): Json {
  const patch: Json = {};
  for (const [key, after] of Object.entries(to)) {
    if (!Object.hasOwn(from, key)) {
      if (wanted === "additions" && after !== null && after !== undefined) setOwn(patch, key, after);
      continue;
    }
    const found = diffValues(from[key], after, fieldSchema(schema, key), wanted);
    if (found !== undefined) setOwn(patch, key, found);
  }
  if (wanted === "deletions") {
    for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) setOwn(patch, key, null);
  }
  return patch;
}

function diffValues(before: unknown, after: unknown, schema: Schema | undefined, wanted: Wanted): unknown {
  const marks = mergeMarks(schema);
  if (isObject(before) && isObject(after) && !marks.replace) {
    const inner = diffMaps(before, after, schema, wanted);
    return Object.keys(inner).length > 0 ? inner : undefined;
  }
  if (Array.isArray(before) && Array.isArray(after) && marks.merge) {
    const inner = marks.mergeKey
      ? diffKeyedLists(before, after, marks.mergeKey, schema, wanted)
      : diffSets(before, after, wanted);
    return inner.length > 0 ? inner : undefined;
  }
  return wanted === "additions" && !deepEqual(before, after) ? after : undefined;
}

function diffKeyedLists(
  before: readonly unknown[],
  after: readonly unknown[],
  mergeKey: string,
  schema: Schema | undefined,
  wanted: Wanted,
): unknown[] {
  const byKey = (items: readonly unknown[]): Map<unknown, Json> =>
    new Map(items.filter(isObject).map((item) => [item[mergeKey], item]));
  const old = byKey(before);
  const fresh = byKey(after);
  const patch: unknown[] = [];
  for (const [key, item] of fresh) {
    const previous = old.get(key);
    if (!previous) {
      if (wanted === "additions") patch.push(item);
      continue;
    }
    const inner = diffMaps(previous, item, schema?.items, wanted);
    if (Object.keys(inner).length > 0) patch.push({ ...inner, [mergeKey]: key });
  }
  if (wanted === "deletions") {
    for (const key of old.keys()) if (!fresh.has(key)) patch.push({ $patch: "delete", [mergeKey]: key });
  }
  return patch;
}

const diffSets = (before: readonly unknown[], after: readonly unknown[], wanted: Wanted): unknown[] =>
  wanted === "additions" ? after.filter((value) => !before.some((old) => deepEqual(old, value))) : [];

/** Both patches in one; they never set the same leaf differently. */
function mergePatches(left: Json, right: Json, schema: Schema | undefined): Json {
  const merged: Json = { ...left };
  for (const [key, value] of Object.entries(right)) {
    const other = Object.hasOwn(left, key) ? left[key] : undefined;
    const inner = fieldSchema(schema, key);
    if (isObject(other) && isObject(value)) setOwn(merged, key, mergePatches(other, value, inner));
    else if (Array.isArray(other) && Array.isArray(value)) {
      setOwn(merged, key, mergeLists(other, value, mergeMarks(inner).mergeKey, inner));
    } else setOwn(merged, key, value);
  }
  return merged;
}

function mergeLists(
  left: readonly unknown[],
  right: readonly unknown[],
  mergeKey: string | undefined,
  schema: Schema | undefined,
): unknown[] {
  if (!mergeKey) return [...left, ...right];
  const merged = new Map<unknown, unknown>();
  for (const item of left) merged.set(asObject(item)[mergeKey], item);
  for (const item of right) {
    const key = asObject(item)[mergeKey];
    const other = merged.get(key);
    merged.set(key, isObject(other) && isObject(item) ? mergePatches(other, item, schema?.items) : item);
  }
  return [...merged.values()];
}

import { deepEqual, setOwn } from "../deep-equal.js";
import { fieldSchema, mergeMarks, type Schema } from "../schema/schema.js";
import { inOrder, partition, sameElement } from "./element-order.js";

/** A strategic merge patch that makes no sense for its target (apimachinery pkg/util/mergepatch). */
export class StrategicPatchError extends Error {
  override readonly name = "StrategicPatchError";
}

type Fields = Record<string, unknown>;

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const ELEMENT_ORDER = "$setElementOrder/";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Merges a patch as kubectl makes it: lists by their merge keys, with the directives `$patch`, `$retainKeys`,
 * `$setElementOrder` and `$deleteFromPrimitiveList`. Without a schema lists are replaced. Changes neither argument.
 */
export function applyStrategicMergePatch(
  target: unknown,
  patch: unknown,
  schema: Schema | undefined,
): unknown {
  if (!isObject(patch)) throw new StrategicPatchError("Invalid JSON document");
  return mergeMap(isObject(target) ? target : {}, patch, schema);
}

function mergeMap(original: Fields, patch: Fields, schema: Schema | undefined): Fields {
  const directive = patch[DIRECTIVE];
  if (directive !== undefined) return directed(directive, patch);
  const result = retained(original, patch);
  const done = mergeOrderedLists(result, patch, schema);
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || done.has(key)) continue;
    if (key.startsWith(DELETE_PRIMITIVES))
      deletePrimitives(result, key.slice(DELETE_PRIMITIVES.length), value);
    else if (value === null) delete result[key];
    else
      setOwn(
        result,
        key,
        mergeValue(Object.hasOwn(result, key) ? result[key] : undefined, value, fieldSchema(schema, key)),
      );
  }
  return result;
}

/** `$patch: replace` puts the rest of the patch in place of the original, `$patch: delete` empties it. */
function directed(directive: unknown, patch: Fields): Fields {
  if (directive === "replace") {
    const { [DIRECTIVE]: _, ...rest } = patch;
    return rest;
  }
  if (directive === "delete") return {};
  throw new StrategicPatchError(`unknown patch type found: ${String(directive)}`);
}

function retained(original: Fields, patch: Fields): Fields {
  const retain = patch[RETAIN_KEYS];
  if (retain === undefined) return { ...original };
  if (!Array.isArray(retain)) throw new StrategicPatchError("invalid patch format of retainKeys");
  const keys = new Set<unknown>(retain);
  for (const [key, value] of Object.entries(patch))
    if (value !== null && !key.startsWith("$") && !keys.has(key))
      throw new StrategicPatchError("patch contains fields not in retainKeys list");
  const result: Fields = {};
  for (const [key, value] of Object.entries(original)) if (keys.has(key)) setOwn(result, key, value);
  return result;
}

function mergeValue(original: unknown, patch: unknown, schema: Schema | undefined): unknown {
  const { merge, replace, mergeKey } = mergeMarks(schema);
  if (isObject(patch)) {
    if (isObject(original) && !replace) return mergeMap(original, patch, schema);
    return withoutDirectives(patch);
  }
  if (Array.isArray(patch)) {
    if (Array.isArray(original) && merge) return mergeList(original, patch, schema, mergeKey);
    return withoutDirectives(patch);
  }
  return patch;
}

/** What a patch adds where nothing was: its values without directives and nulls. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value))
    return value
      .filter((item) => !(isObject(item) && (item[DIRECTIVE] === "delete" || onlyReplaceDirective(item))))
      .map(withoutDirectives);
  if (!isObject(value)) return value;
  const result: Fields = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || inner === null) continue;
    if (key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_PRIMITIVES)) continue;
    setOwn(result, key, withoutDirectives(inner));
  }
  return result;
}

const onlyReplaceDirective = (item: Fields): boolean =>
  item[DIRECTIVE] === "replace" && Object.keys(item).length === 1;

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  schema: Schema | undefined,
  mergeKey: string | undefined,
): unknown[] {
  const sample = original[0] ?? patch[0];
  if (!isObject(sample)) {
    const merged = [...new Set([...original, ...patch])];
    return inOrder(merged, patch, original, undefined);
  }
  if (mergeKey === undefined)
    throw new StrategicPatchError(`cannot merge lists without merge key for ${schema?.type ?? "list"}`);
  const special = specialElements(original, patch, mergeKey);
  if (special.replaced) return special.patch.map(withoutDirectives);
  const merged = mergeByKey(special.original, special.patch, schema?.items, mergeKey);
  return inOrder(merged, special.patch, original, mergeKey);
}

/** Carries out `$patch: delete` and `$patch: replace` elements. */
function specialElements(original: readonly unknown[], patch: readonly unknown[], mergeKey: string) {
  let kept = [...original];
  let replaced = false;
  const plain: unknown[] = [];
  for (const element of patch) {
    if (!isObject(element)) throw new StrategicPatchError("invalid patch format of a list of maps");
    switch (element[DIRECTIVE]) {
      case undefined:
        plain.push(element);
        break;
      case "delete":
        if (element[mergeKey] === undefined)
          throw new StrategicPatchError(`delete patch type with no merge key defined: ${mergeKey}`);
        kept = kept.filter((item) => !sameElement(item, element, mergeKey));
        break;
      case "replace":
        replaced = true;
        break;
      case "merge":
        throw new StrategicPatchError("merging lists cannot yet be specified in the patch");
      default:
        throw new StrategicPatchError(`unknown patch type found: ${String(element[DIRECTIVE])}`);
    }
  }
  return { original: kept, patch: plain, replaced };
}

function mergeByKey(
  original: readonly unknown[],
  patch: readonly unknown[],
  schema: Schema | undefined,
  mergeKey: string,
): unknown[] {
  const merged = [...original];
  for (const element of patch) {
    if (!isObject(element) || element[mergeKey] === undefined)
      throw new StrategicPatchError(
        `map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`,
      );
    const at = merged.findIndex((item) => sameElement(item, element, mergeKey));
    const found = merged[at];
    if (isObject(found)) merged[at] = mergeMap(found, element, schema);
    else merged.push(withoutDirectives(element));
  }
  return merged;
}

/** Lists with a `$setElementOrder`; answers the keys that need no more work. */
function mergeOrderedLists(result: Fields, patch: Fields, schema: Schema | undefined): ReadonlySet<string> {
  const done = new Set<string>();
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(ELEMENT_ORDER)) continue;
    if (!Array.isArray(order)) throw new StrategicPatchError("invalid patch format of setElementOrder list");
    const key = directive.slice(ELEMENT_ORDER.length);
    const original = result[key];
    const wanted = patch[key];
    if (wanted === null || (!Array.isArray(original) && !Array.isArray(wanted))) continue;
    const listSchema = fieldSchema(schema, key);
    const { mergeKey } = mergeMarks(listSchema);
    checkOrder(wanted, order, mergeKey);
    const merged = Array.isArray(wanted) ? mergeValue(original, wanted, listSchema) : original;
    done.add(key);
    result[key] = inOrder(merged as unknown[], order, Array.isArray(original) ? original : [], mergeKey);
  }
  return done;
}

/** Every element of the patch's list must be in its order. */
function checkOrder(list: unknown, order: readonly unknown[], mergeKey: string | undefined): void {
  if (!Array.isArray(list)) return;
  const plain = list.filter((element) => !isObject(element) || element[DIRECTIVE] === undefined);
  if (partition(plain, order, mergeKey).others.length > 0)
    throw new StrategicPatchError(
      `The order in patch list:\n${JSON.stringify(list)}\n doesn't match setElementOrder list:\n${JSON.stringify(order)}\n`,
    );
}

function deletePrimitives(result: Fields, key: string, values: unknown): void {
  if (!Array.isArray(values)) throw new StrategicPatchError("invalid patch format of primitive list");
  const list = result[key];
  if (Array.isArray(list))
    result[key] = list.filter((item) => !values.some((value) => deepEqual(item, value)));
}

import { deepEqual } from "../deep-equal.js";

/** Two list elements with one identity: the same merge key, or the same value where there is none. */
export function sameElement(a: unknown, b: unknown, mergeKey: string | undefined): boolean {
  if (mergeKey === undefined) return deepEqual(a, b);
  const left = (a as Record<string, unknown> | null)?.[mergeKey];
  return left !== undefined && deepEqual(left, (b as Record<string, unknown> | null)?.[mergeKey]);
}

const indexIn = (list: readonly unknown[], element: unknown, mergeKey: string | undefined): number =>
  list.findIndex((other) => sameElement(other, element, mergeKey));

/** Elements that `order` names and the others. */
export function partition(
  elements: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): { named: unknown[]; others: unknown[] } {
  const named: unknown[] = [];
  const others: unknown[] = [];
  for (const element of elements) (indexIn(order, element, mergeKey) >= 0 ? named : others).push(element);
  return { named, others };
}

/**
 * Orders a merged list as strategicpatch.normalizeElementOrder does: what the patch names comes in the patch's order,
 * what only the server has keeps its place relative to its neighbours there.
 */
export function inOrder(
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const { named, others } = partition(merged, patchOrder, mergeKey);
  const left = sortBy(others, serverOrder, mergeKey);
  const right = sortBy(named, patchOrder, mergeKey);
  const result: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const takeLeft =
      j >= right.length || (i < left.length && comesBefore(left[i], right[j], serverOrder, mergeKey));
    result.push(takeLeft ? left[i++] : right[j++]);
  }
  return result;
}

function comesBefore(
  a: unknown,
  b: unknown,
  order: readonly unknown[],
  mergeKey: string | undefined,
): boolean {
  const first = indexIn(order, a, mergeKey);
  const second = indexIn(order, b, mergeKey);
  return first >= 0 && second >= 0 && first < second;
}

const sortBy = (
  elements: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] =>
  elements
    .map((element) => ({ element, at: indexIn(order, element, mergeKey) }))
    .sort((a, b) => (a.at < 0 || b.at < 0 ? 0 : a.at - b.at))
    .map(({ element }) => element);

import type { PodStatus } from "../../machinery/api/core-v1.js";
import { KUBELET_CONDITIONS } from "./pod-conditions.js";

/** Top-level status fields that the kubelet writes; a field it no longer has is removed. */
const OWN_FIELDS = [
  "observedGeneration",
  "phase",
  "message",
  "reason",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
] as const satisfies readonly (keyof PodStatus)[];

/** Keys under which strategic merge joins lists instead of replacing them. */
const MERGED_BY_IP: ReadonlySet<string> = new Set(["podIPs", "hostIPs"]);

/**
 * The strategic merge patch that turns `before` into `after`, conditions of others left alone; undefined when nothing
 * changed. The uid keeps it from a pod of the same name.
 */
export function statusPatch(
  uid: string,
  before: PodStatus,
  after: PodStatus,
): { metadata: { uid: string }; status: Record<string, unknown> } | undefined {
  const status: Record<string, unknown> = {};
  for (const field of OWN_FIELDS) {
    if (sameJson(before[field], after[field])) continue;
    if (after[field] === undefined) status[field] = null;
    else status[field] = MERGED_BY_IP.has(field) ? mergedByIp(before, after, field) : after[field];
  }
  const conditions = changedConditions(before, after);
  if (conditions.length > 0) status.conditions = conditions;
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid }, status };
}

function mergedByIp(before: PodStatus, after: PodStatus, field: string): unknown[] {
  const list = (status: PodStatus): { ip: string }[] =>
    (field === "podIPs" ? status.podIPs : status.hostIPs) ?? [];
  const kept = new Set(list(after).map(({ ip }) => ip));
  const gone = list(before).filter(({ ip }) => !kept.has(ip));
  return [...list(after), ...gone.map(({ ip }) => ({ $patch: "delete", ip }))];
}

function changedConditions(before: PodStatus, after: PodStatus): unknown[] {
  return (after.conditions ?? []).flatMap((condition) => {
    if (!(KUBELET_CONDITIONS as readonly string[]).includes(condition.type)) return [];
    const old = before.conditions?.find(({ type }) => type === condition.type);
    if (!old) return [condition];
    const removed = Object.fromEntries(
      (["reason", "message", "observedGeneration"] as const)
        .filter((key) => old[key] !== undefined && condition[key] === undefined)
        .map((key) => [key, null]),
    );
    return sameJson(withoutNulls(old), withoutNulls(condition)) ? [] : [{ ...condition, ...removed }];
  });
}

const withoutNulls = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== undefined));

/** Equal as JSON, whatever the order of keys. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = Object.entries(b).filter(([, value]) => value !== undefined);
  if (left.length !== right.length) return false;
  return left.every(
    ([key, value]) => Object.hasOwn(b, key) && sameJson(value, (b as Record<string, unknown>)[key]),
  );
}

import { toTime } from "../../machinery/api/clock.js";
import type { DeleteOptions, KubeObject, ObjectMeta } from "../../machinery/api/meta-v1.js";
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "./object-meta.js";
import type { Strategy } from "./serve.js";

/** What a delete does to an object (registry/generic BeforeDelete and updateForGracefulDeletionAndFinalizers). */
export type DeletionPlan =
  /** It goes away at once. */
  | { kind: "remove" }
  /** It was already on its way and stays as it is. */
  | { kind: "pending" }
  /** It is written with a deletionTimestamp and stays until finalizers or grace are done; at no grace it goes next. */
  | { kind: "mark"; metadata: ObjectMeta; thenRemove: boolean; first: boolean };

export function planDeletion<T extends KubeObject>(
  object: T,
  options: DeleteOptions,
  strategy: Strategy<T>,
  nowMs: number,
): DeletionPlan {
  const graceful = planGrace(object, options, strategy, nowMs);
  if (graceful.kind === "pending") return graceful;
  const finalizers = finalizersAfterDelete(object.metadata, options);
  const held = finalizers.length > 0 || (strategy.holdsDeletion?.(object) ?? false);
  if (graceful.kind === "grace") {
    return {
      kind: "mark",
      metadata: withFinalizers(graceful.metadata, finalizers),
      thenRemove: !held && graceful.seconds === 0,
      first: object.metadata.deletionTimestamp === undefined,
    };
  }
  if (!held) return { kind: "remove" };
  const metadata = withFinalizers(markDeleting(object.metadata, nowMs), finalizers);
  return {
    kind: "mark",
    metadata,
    thenRemove: false,
    first: object.metadata.deletionTimestamp === undefined,
  };
}

type Grace =
  | { kind: "none" }
  | { kind: "pending" }
  | { kind: "grace"; metadata: ObjectMeta; seconds: number };

function planGrace<T extends KubeObject>(
  object: T,
  options: DeleteOptions,
  strategy: Strategy<T>,
  nowMs: number,
): Grace {
  if (!strategy.gracePeriodSeconds) return { kind: "none" };
  const { metadata } = object;
  if (metadata.deletionTimestamp !== undefined) return shortenGrace(metadata, options);
  const seconds = strategy.gracePeriodSeconds(object, options.gracePeriodSeconds);
  if (seconds === undefined) return { kind: "none" };
  return {
    kind: "grace",
    seconds,
    metadata: {
      ...metadata,
      ...raisedGeneration(metadata),
      deletionTimestamp: toBoundedTime(nowMs + seconds * 1000),
      deletionGracePeriodSeconds: seconds,
    },
  };
}

/** A second delete may only shorten the grace period. */
function shortenGrace(metadata: ObjectMeta, options: DeleteOptions): Grace {
  const current = metadata.deletionGracePeriodSeconds;
  if (current === undefined) return { kind: "none" };
  const asked = options.gracePeriodSeconds;
  if (asked === undefined || asked >= current) return { kind: "pending" };
  const startMs = Date.parse(metadata.deletionTimestamp ?? "") - current * 1000;
  return {
    kind: "grace",
    seconds: asked,
    metadata: {
      ...metadata,
      deletionTimestamp: toBoundedTime(startMs + asked * 1000),
      deletionGracePeriodSeconds: asked,
    },
  };
}

const LAST_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A grace period may be longer than a date can tell; nobody waits for its end. */
const toBoundedTime = (ms: number): string => toTime(Math.min(Math.max(0, ms), LAST_TIME_MS));

function markDeleting(metadata: ObjectMeta, nowMs: number): ObjectMeta {
  const at = metadata.deletionTimestamp;
  return {
    ...metadata,
    ...(at === undefined ? raisedGeneration(metadata) : {}),
    deletionTimestamp: at === undefined || Date.parse(at) > nowMs ? toTime(nowMs) : at,
    deletionGracePeriodSeconds: 0,
  };
}

const raisedGeneration = (metadata: ObjectMeta): Partial<ObjectMeta> =>
  metadata.generation ? { generation: metadata.generation + 1 } : {};

const withFinalizers = (metadata: ObjectMeta, finalizers: string[]): ObjectMeta => {
  const { finalizers: _, ...rest } = metadata;
  return finalizers.length > 0 ? { ...rest, finalizers } : rest;
};

/** The garbage collector's finalizers follow the propagation policy; all others stay. */
function finalizersAfterDelete(metadata: ObjectMeta, options: DeleteOptions): string[] {
  const current = metadata.finalizers ?? [];
  const wanted = garbageCollectorFinalizer(current, options);
  const others = current.filter((name) => name !== ORPHAN_FINALIZER && name !== FOREGROUND_FINALIZER);
  if (wanted === undefined) return others;
  return current.includes(wanted) ? [...current] : [...others, wanted];
}

function garbageCollectorFinalizer(
  finalizers: readonly string[],
  { orphanDependents, propagationPolicy }: DeleteOptions,
): string | undefined {
  if (orphanDependents !== undefined) return orphanDependents ? ORPHAN_FINALIZER : undefined;
  switch (propagationPolicy) {
    case "Orphan":
      return ORPHAN_FINALIZER;
    case "Foreground":
      return FOREGROUND_FINALIZER;
    case "Background":
      return undefined;
    case undefined:
      return [ORPHAN_FINALIZER, FOREGROUND_FINALIZER].find((name) => finalizers.includes(name));
  }
}

/** An update that leaves nothing to wait for completes a deletion. */
export const completesDeletion = <T extends KubeObject>(object: T, old: T, strategy: Strategy<T>): boolean =>
  old.metadata.deletionTimestamp !== undefined &&
  old.metadata.deletionGracePeriodSeconds === 0 &&
  (object.metadata.finalizers ?? []).length === 0 &&
  !(strategy.holdsDeletion?.(object) ?? false);

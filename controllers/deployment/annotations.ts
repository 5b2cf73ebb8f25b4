import type { DeepReadonly, ObjectMeta } from "../../machinery/api/meta-v1.js";

export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

/** Say something of the Deployment itself, so its ReplicaSets do not inherit them. */
const NOT_COPIED = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);
const LONGEST_HISTORY = 2000;

type Meta = DeepReadonly<ObjectMeta>;
type Annotations = Record<string, string>;

const numberIn = (metadata: Meta, name: string): number | undefined => {
  const text = metadata.annotations?.[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
};

export const revisionOf = (metadata: Meta): number => numberIn(metadata, REVISION) ?? 0;
export const desiredReplicasOf = (metadata: Meta): number | undefined => numberIn(metadata, DESIRED_REPLICAS);
export const maxReplicasOf = (metadata: Meta): number | undefined => numberIn(metadata, MAX_REPLICAS);

/** What a ReplicaSet remembers of the size of the whole, for scaling in proportion. */
export const sizeAnnotations = (desired: number, most: number): Annotations => ({
  [DESIRED_REPLICAS]: String(desired),
  [MAX_REPLICAS]: String(most),
});

// Upstream: pkg/controller/deployment/util/deployment_util.go SetNewReplicaSetAnnotations.
/** Annotations of the new ReplicaSet: the Deployment's own, its revision, and the revisions that it had before. */
export function newReplicaSetAnnotations(
  deployment: Meta,
  current: Readonly<Annotations> | undefined,
  revision: number,
): Annotations {
  const copied = Object.entries(deployment.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name));
  const annotations: Annotations = { ...current, ...Object.fromEntries(copied) };
  const before = annotations[REVISION];
  if (Number(before ?? 0) >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (before === undefined) return annotations;
  const history = [...(annotations[REVISION_HISTORY]?.split(",") ?? []), before];
  while (history.join(",").length > LONGEST_HISTORY) history.shift();
  annotations[REVISION_HISTORY] = history.join(",");
  return annotations;
}

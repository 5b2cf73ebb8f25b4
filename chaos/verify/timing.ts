import { containersOf, replicasOf, type Subject } from "./subject.js";

/** How long a container runs before it listens, at most; and everything else until its pod is in the tables. */
export const BOOT_SECONDS = { min: 0.2, max: 3 };
const START_SECONDS = 3;
const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_GRACE_SECONDS = 30;
const LONGEST_SECONDS = 120;

interface GivenProbe {
  initialDelaySeconds?: number | undefined;
  periodSeconds?: number | undefined;
  successThreshold?: number | undefined;
}

/** From the creation of a pod until requests go to it, at most. */
export function podSecondsOf({ deployment }: Subject): number {
  const probes = containersOf(deployment).flatMap(({ readinessProbe, startupProbe }) => [
    readinessProbe,
    startupProbe,
  ]);
  const probing = Math.max(0, ...probes.map(probeSeconds));
  return Math.min(
    LONGEST_SECONDS,
    BOOT_SECONDS.max + START_SECONDS + probing + (deployment.spec?.minReadySeconds ?? 0),
  );
}

const probeSeconds = (probe: GivenProbe | undefined): number =>
  probe
    ? (probe.initialDelaySeconds ?? 0) +
      (probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * (probe.successThreshold ?? 1)
    : 0;

/** From the deletion of a pod until its containers have ended, as far as the manifest says. */
export function terminationSecondsOf({ deployment }: Subject): number {
  const grace = deployment.spec?.template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const sleeps = containersOf(deployment).map(({ lifecycle }) =>
    lifecycle?.preStop?.exec ? grace : (lifecycle?.preStop?.sleep?.seconds ?? 0),
  );
  return Math.min(grace, Math.max(0, ...sleeps)) + 1;
}

/** How many times a rollout waits for new pods. */
export function wavesOf({ deployment }: Subject): number {
  const replicas = replicasOf(deployment);
  const { rollingUpdate, type } = deployment.spec?.strategy ?? {};
  if (type === "Recreate") return 1;
  const surge = countOf(rollingUpdate?.maxSurge ?? "25%", replicas, Math.ceil);
  const unavailable = countOf(rollingUpdate?.maxUnavailable ?? "25%", replicas, Math.floor);
  return Math.ceil(replicas / Math.max(1, surge + unavailable));
}

/** Of a number or a percentage of the replicas. */
export function countOf(value: number | string, replicas: number, round: (share: number) => number): number {
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value);
  return percent ? round((Number(percent[1]) * replicas) / 100) : Number(value);
}

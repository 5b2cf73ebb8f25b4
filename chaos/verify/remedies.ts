import type { LossKind } from "./loss.js";
import { containersOf, type GivenDeployment, replicasOf, type Subject } from "./subject.js";
import { countOf } from "./timing.js";
import { backendPortOf } from "./traffic.js";

/** What a Deployment's author can do about losses. */
export interface Remedies {
  /** Seconds that the pod goes on serving after it was told to end. */
  preStopSeconds?: number;
  /** Longer than now. */
  graceSeconds?: number;
  readinessProbe?: boolean;
  /** Pods are replaced one by one, the new one first. */
  surge?: boolean;
  replicas?: number;
}

/** What is tried, in this order; the first that suffices is the advice. */
const SLEEPS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30];
const GRACES = [45, 60, 90, 120, 300];
const DEFAULT_GRACE_SECONDS = 30;

/** The next thing to try against a loss of this kind; undefined when nothing is left that a manifest could say. */
export function nextRemedies(
  given: Remedies,
  kind: LossKind | undefined,
  deployment: GivenDeployment,
): Remedies | undefined {
  switch (kind) {
    case "closed-port":
    case "cut-short": {
      const now = given.preStopSeconds ?? sleepOf(deployment);
      const longer = SLEEPS.find((seconds) => seconds > now);
      return longer === undefined ? undefined : { ...given, preStopSeconds: longer };
    }
    case "killed": {
      const now = given.graceSeconds ?? graceOf(deployment);
      const longer = GRACES.find((seconds) => seconds > now);
      return longer === undefined ? undefined : { ...given, graceSeconds: longer };
    }
    case "not-listening":
      return given.readinessProbe || hasReadinessProbe(deployment)
        ? undefined
        : { ...given, readinessProbe: true };
    case "no-endpoints":
      return againstNoEndpoints(given, deployment);
    default:
      return undefined;
  }
}

function againstNoEndpoints(given: Remedies, deployment: GivenDeployment): Remedies | undefined {
  if (!given.surge && mayTakeAll(deployment)) return { ...given, surge: true };
  if (replicasOf(deployment) < 2 && given.replicas === undefined) return { ...given, replicas: 2 };
  if (!given.readinessProbe && !hasReadinessProbe(deployment)) return { ...given, readinessProbe: true };
  return given.surge ? undefined : { ...given, surge: true };
}

/** Whether a rollout may leave no pod that was there before. */
function mayTakeAll(deployment: GivenDeployment): boolean {
  const { type, rollingUpdate } = deployment.spec?.strategy ?? {};
  const replicas = replicasOf(deployment);
  if (type === "Recreate") return true;
  return countOf(rollingUpdate?.maxUnavailable ?? "25%", replicas, Math.floor) >= replicas;
}

const hasReadinessProbe = (deployment: GivenDeployment): boolean =>
  containersOf(deployment).some(({ readinessProbe }) => readinessProbe !== undefined);

const graceOf = (deployment: GivenDeployment): number =>
  deployment.spec?.template?.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;

const sleepOf = (deployment: GivenDeployment): number =>
  Math.max(0, ...containersOf(deployment).map(({ lifecycle }) => lifecycle?.preStop?.sleep?.seconds ?? 0));

/** The remedies as a strategic merge patch of the Deployment, as `kubectl patch --patch-file` takes it. */
export function patchOf(remedies: Remedies, subject: Subject): Record<string, unknown> {
  const { deployment } = subject;
  const { preStopSeconds, readinessProbe, surge, replicas } = remedies;
  const container = {
    ...(preStopSeconds === undefined ? {} : { lifecycle: { preStop: preStop(preStopSeconds, deployment) } }),
    ...(readinessProbe ? { readinessProbe: probeOf(subject) } : {}),
  };
  const grace = graceFor(remedies, deployment);
  const pod = {
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    ...(Object.keys(container).length > 0
      ? { containers: [{ name: servingContainer(deployment)?.name, ...container }] }
      : {}),
  };
  return {
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...(surge
        ? { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }
        : {}),
      ...(Object.keys(pod).length > 0 ? { template: { spec: pod } } : {}),
    },
  };
}

/** The application keeps the time that it had to end after SIGTERM. */
function graceFor(
  { preStopSeconds = 0, graceSeconds }: Remedies,
  deployment: GivenDeployment,
): number | undefined {
  const now = graceOf(deployment);
  const wanted = Math.max(graceSeconds ?? now, preStopSeconds * 2);
  return wanted > now ? wanted : undefined;
}

/** Another hook that is there runs after the sleep; nulls take its handler away. */
function preStop(seconds: number, deployment: GivenDeployment): Record<string, unknown> {
  const hook = servingContainer(deployment)?.lifecycle?.preStop;
  const command = hook?.exec?.command;
  if (command)
    return { exec: { command: ["/bin/sh", "-c", `sleep ${seconds}; exec "$0" "$@"`, ...command] } };
  return {
    sleep: { seconds },
    ...(hook?.httpGet ? { httpGet: null } : {}),
    ...(hook?.tcpSocket ? { tcpSocket: null } : {}),
  };
}

/** A pod is ready when its port can be opened: less than an application knows of itself, and true of all. */
const probeOf = (subject: Subject): Record<string, unknown> => ({
  tcpSocket: { port: backendPortOf(subject) },
  periodSeconds: 1,
});

const servingContainer = (deployment: GivenDeployment) =>
  containersOf(deployment).find(({ ports = [] }) => ports.length > 0) ?? containersOf(deployment)[0];

/** The same in words: `a preStop sleep of 2 s or more`. */
export function inWords({ preStopSeconds, graceSeconds, readinessProbe, surge, replicas }: Remedies): string {
  const parts = [
    ...(preStopSeconds === undefined ? [] : [`a preStop sleep of ${preStopSeconds} s or more`]),
    ...(graceSeconds === undefined ? [] : [`a grace period of ${graceSeconds} s`]),
    ...(readinessProbe ? ["a readiness probe"] : []),
    ...(surge ? ["a rollout with maxUnavailable: 0"] : []),
    ...(replicas === undefined ? [] : [`${replicas} replicas`]),
  ];
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

import { toTime } from "../../machinery/api/clock.js";
import type { Pod, PodCondition, PodStatus } from "../../machinery/api/core-v1.js";
import { type ContainerRecord, exitCodeOf } from "./container-record.js";

export interface ConditionInputs {
  pod: Pod;
  phase: PodStatus["phase"];
  init: readonly ContainerRecord[];
  main: readonly ContainerRecord[];
  sandboxReady: boolean;
  nowMs: number;
  previous: readonly PodCondition[];
}

type Verdict = Pick<PodCondition, "status" | "reason" | "message">;

const TRUE: Verdict = { status: "True" };

/** The conditions that the kubelet owns, in the order in which the real one writes them. */
export const KUBELET_CONDITIONS = [
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
] as const;

// Upstream: pkg/kubelet/status/generate.go.
/** The kubelet's conditions, then those of others as they were. A transition time changes only with the status. */
export function podConditions(inputs: ConditionInputs): PodCondition[] {
  const containers = containersReady(inputs);
  const verdicts: Record<(typeof KUBELET_CONDITIONS)[number], Verdict> = {
    PodReadyToStartContainers: inputs.sandboxReady ? TRUE : { status: "False" },
    Initialized: initialized(inputs),
    Ready: ready(inputs, containers),
    ContainersReady: containers,
    PodScheduled: TRUE,
  };
  const own = KUBELET_CONDITIONS.map((type) => toCondition(type, verdicts[type], inputs));
  const others = inputs.previous.filter(
    ({ type }) => !(KUBELET_CONDITIONS as readonly string[]).includes(type),
  );
  return [...own, ...others];
}

function toCondition(type: string, verdict: Verdict, inputs: ConditionInputs): PodCondition {
  const before = inputs.previous.find((condition) => condition.type === type);
  const same = before?.status === verdict.status && before.lastTransitionTime;
  const { generation } = inputs.pod.metadata;
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    lastProbeTime: null,
    lastTransitionTime: same ? (before.lastTransitionTime ?? null) : toTime(inputs.nowMs),
    ...(verdict.message ? { message: verdict.message } : {}),
    ...(verdict.reason ? { reason: verdict.reason } : {}),
    status: verdict.status,
    type,
  };
}

/** True when every init container has done its part: sidecars once started, the others once they exit with 0. */
export const isInitialized = (init: readonly ContainerRecord[]): boolean =>
  init.every((record) =>
    record.kind === "sidecar"
      ? record.started && record.current.kind !== "waiting"
      : exitCodeOf(record) === 0,
  );

function initialized({ init, phase }: ConditionInputs): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (isInitialized(init)) return TRUE;
  const incomplete = init.filter((record) => !isInitialized([record])).map(({ spec }) => spec.name);
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.join(" ")}]`,
  };
}

function containersReady({ init, main, phase }: ConditionInputs): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const counted = [...init.filter(({ kind }) => kind === "sidecar"), ...main];
  const unready = counted
    .filter((record) => record.current.kind !== "running" || !record.ready)
    .map(({ spec }) => spec.name);
  if (unready.length === 0) return TRUE;
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

function ready({ pod, previous }: ConditionInputs, containers: Verdict): Verdict {
  if (containers.status !== "True") return containers;
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = previous.find(({ type }) => type === conditionType);
    if (!condition)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (problems.length === 0) return TRUE;
  return { status: "False", reason: "ReadinessGatesNotReady", message: problems.join(", ") };
}

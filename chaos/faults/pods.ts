import type { Pod, Probe } from "../../machinery/api/core-v1.js";
import type { ChoiceContext, Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given, type PointTarget } from "../point-fault.js";
import type { TargetSpec } from "../scenario/types.js";
import { choosePods } from "../targets.js";

interface PodKind {
  name: string;
  summary: string;
  point: string;
  parameters?: Record<string, ParameterSpec>;
  momentary?: boolean;
  /** Pods that it can do nothing to do not count. */
  concerns?: (pod: Pod) => boolean;
  toPoint?: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const container: ParameterSpec = { type: "text", help: "its name; absent: all of the pod", optional: true };
const exitCode: ParameterSpec = { type: "number", help: "of the containers", default: 1, min: 0, max: 255 };

const hasProbe =
  (kind: "livenessProbe" | "readinessProbe") =>
  ({ spec }: Pod): boolean =>
    spec.containers.some((one: { livenessProbe?: Probe; readinessProbe?: Probe }) => one[kind]);

const kinds: readonly PodKind[] = [
  {
    name: "container-exit",
    summary: "the containers of pods end by themselves, once; their restart policy says what follows",
    point: "container-exit",
    momentary: true,
    parameters: {
      container,
      exitCode,
      signal: { type: "text", help: "that ended them, such as SIGSEGV", optional: true },
      reason: { type: "text", help: "of the terminated state; absent: Completed or Error", optional: true },
    },
    toPoint: (parameters) => parameters,
  },
  {
    name: "oom-kill",
    summary: "the containers of pods use more memory than they may, and are killed: OOMKilled, exit code 137",
    point: "container-exit",
    momentary: true,
    parameters: { container },
    toPoint: (parameters) => ({ ...parameters, exitCode: 137, signal: "SIGKILL", reason: "OOMKilled" }),
  },
  {
    name: "crash-loop",
    summary: "each run of the containers of pods ends after a time: CrashLoopBackOff",
    point: "crash-loop",
    parameters: { runs: { type: "duration", help: "how long each run lasts", default: "1s" }, exitCode },
    toPoint: ({ runs, exitCode: code }) => ({ afterMs: runs, exitCode: code }),
  },
  {
    name: "readiness-fail",
    summary: "the readiness probes of pods fail: they get no more traffic",
    point: "probe",
    concerns: hasProbe("readinessProbe"),
    toPoint: () => ({ kind: "readiness" }),
  },
  {
    name: "readiness-flap",
    summary:
      "the readiness probes of pods fail every other period; longer than failureThreshold × periodSeconds, or nobody notices",
    point: "probe",
    concerns: hasProbe("readinessProbe"),
    parameters: { period: { type: "duration", help: "how long they fail, and how long they pass" } },
    toPoint: ({ period }) => ({ kind: "readiness", everyMs: period }),
  },
  {
    name: "liveness-fail",
    summary: "the liveness probes of pods fail: their containers are restarted again and again",
    point: "probe",
    concerns: hasProbe("livenessProbe"),
    toPoint: () => ({ kind: "liveness" }),
  },
  {
    name: "ip-churn",
    summary: "the sandboxes of pods die, and the kubelet makes new ones with new addresses, again and again",
    point: "sandbox-loss",
    concerns: ({ spec }) => !spec.hostNetwork,
    parameters: { every: { type: "duration", help: "once in so long; absent: once only", optional: true } },
    toPoint: ({ every }) => ({ everyMs: every }),
  },
];

const named = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;

/** One lease for all pods that the target means. */
async function leaseFor(
  context: ChoiceContext,
  target: TargetSpec,
  { point, concerns = () => true }: Pick<PodKind, "point" | "concerns">,
  parameters: Record<string, unknown>,
): Promise<PointTarget | undefined> {
  const chosen = (await choosePods(context, target, concerns)).filter(({ spec }) => spec.nodeName);
  if (chosen.length === 0) return undefined;
  const pods = chosen.map(({ metadata }) => metadata.uid);
  return {
    leases: [{ component: "kubelet", point, parameters: { ...given(parameters), pods } }],
    hits: chosen.map(named),
  };
}

const onPods: readonly Fault[] = kinds.map((kind) =>
  definePointFault({
    name: kind.name,
    summary: kind.summary,
    layer: "pod",
    targets: "pods",
    ...(kind.parameters ? { parameters: kind.parameters } : {}),
    ...(kind.momentary ? { momentary: true } : {}),
    choose: (context, { target, parameters }) =>
      leaseFor(context, target, kind, kind.toPoint?.(parameters) ?? {}),
  }),
);

const startupFail = definePointFault({
  name: "startup-fail",
  summary: "pods begin anew and their startup probes fail: their containers are restarted again and again",
  layer: "pod",
  targets: "pods",
  async choose(context, { target }) {
    const concerns = ({ spec }: Pod): boolean => spec.containers.some(({ startupProbe }) => startupProbe);
    const chosen = await leaseFor(context, target, { point: "probe", concerns }, { kind: "startup" });
    const pods = chosen?.leases[0]?.parameters.pods;
    // Only what starts is asked whether it has started.
    const anew = {
      component: "kubelet" as const,
      point: "container-exit",
      parameters: { pods, exitCode: 137, signal: "SIGKILL" },
    };
    return chosen && { ...chosen, leases: [...chosen.leases, anew] };
  },
});

/** What happens inside of pods: target them by selector, owner, name, node. */
export const podFaults: readonly Fault[] = [...onPods, startupFail];

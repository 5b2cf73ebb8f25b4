import type { Subject } from "./subject.js";
import { replicasOf } from "./subject.js";
import { podSecondsOf, terminationSecondsOf, wavesOf } from "./timing.js";

/** What happens to a Deployment once in a while, and must not be noticed by its clients. */
export interface Upheaval {
  name: string;
  /** For the report: what one run of it does. */
  summary: string;
  /** Undefined when it can happen to this Deployment, otherwise why not. */
  notFor?(subject: Subject): string | undefined;
  steps(subject: Subject): Record<string, unknown>[];
  /** Of the run after the step, until everything is calm again. */
  seconds(subject: Subject): number;
  /** Requests a second of each client. */
  perSecond: number;
  /** Clients stay away from other nodes: those may lose their power. */
  clientNodes: readonly string[];
  /** A shorter one would be another one. */
  asItIs?: boolean;
  /** Share of the seeds, against 1 of the others: long runs get fewer. */
  share: number;
}

/** When the upheaval begins, after the start of the run: drawn from this window. */
const BEGINS = "5s-6s";
const CALM_SECONDS = 4;
/** node-monitor-grace-period (50 s by default since 1.32) and the controller's period of 5 s, with some room. */
const NOT_READY_SECONDS = 62;
const SCALE_HELD_SECONDS = 5;

const ofDeployment = ({ name, namespace }: Subject) => ({ namespace, name });
const podsOf = ({ name, namespace }: Subject) => ({ namespace, owner: `deployment/${name}` });

export const upheavals: readonly Upheaval[] = [
  {
    name: "rolling update",
    summary: "a rollout of the same template, as kubectl rollout restart does",
    steps: (subject) => [
      { name: "update", fault: "rolling-update", at: BEGINS, target: ofDeployment(subject) },
    ],
    seconds: (subject) =>
      wavesOf(subject) * podSecondsOf(subject) + terminationSecondsOf(subject) + CALM_SECONDS,
    perSecond: 5,
    clientNodes: ["node-1", "node-2", "node-3"],
    share: 1,
  },
  {
    name: "scale-down",
    summary: "half of the replicas go, and come back",
    notFor: ({ deployment }) => (replicasOf(deployment) < 2 ? "there is one replica" : undefined),
    steps: (subject) => [
      {
        name: "scale",
        fault: "scale",
        at: BEGINS,
        duration: `${SCALE_HELD_SECONDS}s`,
        target: ofDeployment(subject),
        parameters: { replicas: Math.ceil(replicasOf(subject.deployment) / 2) },
      },
    ],
    seconds: (subject) => SCALE_HELD_SECONDS + podSecondsOf(subject) + CALM_SECONDS,
    perSecond: 5,
    clientNodes: ["node-1", "node-2", "node-3"],
    share: 1,
  },
  {
    name: "node drain",
    summary: "a node with pods of the Deployment is drained, as kubectl drain does",
    steps: (subject) => [
      {
        name: "drain",
        fault: "drain",
        at: BEGINS,
        target: { ...podsOf(subject), exclude: ["node-1"], optional: true },
      },
    ],
    seconds: (subject) => podSecondsOf(subject) + terminationSecondsOf(subject) + CALM_SECONDS,
    perSecond: 5,
    clientNodes: ["node-1"],
    share: 1,
  },
  {
    name: "pod eviction",
    summary: "one pod is deleted with its grace period, as an eviction does",
    steps: (subject) => [{ name: "evict", fault: "kill-pod", at: BEGINS, target: podsOf(subject) }],
    seconds: (subject) => podSecondsOf(subject) + terminationSecondsOf(subject) + CALM_SECONDS,
    perSecond: 5,
    clientNodes: ["node-1", "node-2", "node-3"],
    share: 1,
  },
  {
    name: "node crash",
    summary: "a node with pods of the Deployment loses its power, and boots a minute later",
    notFor: ({ services }) =>
      services.some(({ spec }) => spec?.clusterIP === "None")
        ? "clients of a headless Service ask cluster DNS, which may be on the node"
        : undefined,
    steps: (subject) => [
      {
        name: "crash",
        fault: "node-crash",
        at: BEGINS,
        duration: `${NOT_READY_SECONDS}s`,
        target: { ...podsOf(subject), exclude: ["node-1"], optional: true },
      },
    ],
    seconds: (subject) => NOT_READY_SECONDS + podSecondsOf(subject) + CALM_SECONDS,
    perSecond: 3,
    clientNodes: ["node-1"],
    share: 0.25,
    asItIs: true,
  },
];

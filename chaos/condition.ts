import { findByPath } from "../cli/printers/json-path.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { isPassing } from "./passing.js";
import type { ClusterAccess } from "./cluster-access.js";
import { describeComparison, holds } from "./comparison.js";
import { resourceNamed } from "./resources.js";
import type { Condition } from "./scenario/types.js";

export interface ConditionAnswer {
  held: boolean;
  /** What was seen, in words. */
  saw: string;
}

const POLL_MS = 100;

/** Asks once. Rejects as the client does; a condition on a resource that is not there does not hold. */
export async function evaluate(
  { client }: Pick<ClusterAccess, "client">,
  condition: Condition,
): Promise<ConditionAnswer> {
  const { check, name } = condition;
  const found = await select(client, condition);
  const one = name ?? condition.resource;
  switch (check.kind) {
    case "present":
      return { held: found.length > 0, saw: found.length > 0 ? `${one} is there` : `${one} is not there` };
    case "absent":
      return { held: found.length === 0, saw: found.length > 0 ? `${one} is there` : `${one} is not there` };
    case "count":
      return { held: holds(check.comparison, found.length), saw: `there are ${found.length}` };
    case "field": {
      const values = found.map((object) => fieldOf(object, check.path));
      const held = found.length > 0 && values.every((value) => holds(check.comparison, value));
      const shown = values.map((value) => JSON.stringify(value) ?? "nothing").join(", ");
      return {
        held,
        saw: found.length === 0 ? `${one} is not there` : `${check.path} is ${shown}`,
      };
    }
  }
}

async function select(client: ClusterAccess["client"], condition: Condition): Promise<KubeObject[]> {
  const descriptor = resourceNamed(condition.resource);
  if (!descriptor) return [];
  const { items } = await client.list(descriptor, {
    ...(descriptor.namespaced && condition.namespace !== "*" ? { namespace: condition.namespace } : {}),
    ...(condition.name === undefined ? {} : { fieldSelector: `metadata.name=${condition.name}` }),
    ...(condition.selector === undefined ? {} : { labelSelector: condition.selector }),
  });
  return items;
}

/** Short words for what is asked most. A counter that Kubernetes leaves out while it is zero is zero. */
const SHORTHANDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Deployment: {
    available: "status.availableReplicas",
    ready: "status.readyReplicas",
    updated: "status.updatedReplicas",
    unavailable: "status.unavailableReplicas",
    replicas: "status.replicas",
    desired: "spec.replicas",
  },
  ReplicaSet: {
    available: "status.availableReplicas",
    ready: "status.readyReplicas",
    replicas: "status.replicas",
    desired: "spec.replicas",
  },
  Pod: { phase: "status.phase", ip: "status.podIP", node: "spec.nodeName" },
  Node: { unschedulable: "spec.unschedulable" },
  Service: { clusterIP: "spec.clusterIP", type: "spec.type" },
};
const COUNTERS = /^status\.\w*[rR]eplicas$/;

/** A shorthand, the type of a condition (`Ready`, or `ready` of pods and nodes), or a path. */
export function fieldOf(object: KubeObject, path: string): unknown {
  const shorthands = SHORTHANDS[object.kind ?? ""] ?? {};
  const plain = path.replace(/^\{?\.?/, "").replace(/\}$/, "");
  const full = Object.hasOwn(shorthands, plain) ? shorthands[plain] : undefined;
  if (full === undefined && /^[A-Za-z]+$/.test(plain)) {
    const status = conditionStatus(object, plain);
    if (status !== undefined) return status;
  }
  const values = findByPath(full ?? plain, object);
  if (values.length === 0 && COUNTERS.test(full ?? plain)) return 0;
  return values.length > 1 ? values : values[0];
}

function conditionStatus(object: KubeObject, type: string): string | undefined {
  const { conditions } =
    (object as { status?: { conditions?: { type: string; status: string }[] } }).status ?? {};
  return conditions?.find((condition) => condition.type.toLowerCase() === type.toLowerCase())?.status;
}

/** Asks until it holds. False once `limitMs` is over; an API server that is away is waited for. */
export async function waitForCondition(
  cluster: Pick<ClusterAccess, "client" | "clock">,
  condition: Condition,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const untilMs = cluster.clock.monotonicMs() + limitMs;
  for (;;) {
    try {
      if ((await evaluate(cluster, condition)).held) return true;
    } catch (err) {
      if (!isPassing(err)) throw err;
    }
    if (cluster.clock.monotonicMs() >= untilMs) return false;
    await cluster.clock.sleep(POLL_MS, signal);
  }
}

/** How a condition is shown when the file gave it in parts. */
export function describeCondition({ resource, name, selector, check }: Omit<Condition, "text">): string {
  const subject = `${resource}${name === undefined ? (selector === undefined ? "" : `[${selector}]`) : `/${name}`}`;
  if (check.kind === "field") return `${subject} ${check.path} ${describeComparison(check.comparison)}`;
  if (check.kind === "count") return `${subject} count ${describeComparison(check.comparison)}`;
  return `${subject} ${check.kind}`;
}

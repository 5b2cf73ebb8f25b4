import { deployments } from "../machinery/api/apps-v1.js";
import { nodes } from "../machinery/api/core-v1.js";
import type { ClusterAccess } from "./cluster-access.js";
import { evaluate } from "./condition.js";
import { isPassing } from "./passing.js";
import type { SteadyState } from "./scenario/types.js";

const POLL_MS = 100;

/** What does not hold yet, in words; empty once the steady state is there. */
export async function missingFrom(cluster: ClusterAccess, steadyState: SteadyState): Promise<string[]> {
  const missing = steadyState.deployments ? await unavailable(cluster) : [];
  for (const condition of steadyState.conditions) {
    const { held, saw } = await evaluate(cluster, condition);
    if (!held) missing.push(`${condition.text} (${saw})`);
  }
  return missing;
}

async function unavailable({ client }: ClusterAccess): Promise<string[]> {
  const { items } = await client.list(deployments);
  return items
    .filter(
      ({ metadata, spec, status }) =>
        (status.observedGeneration ?? 0) < (metadata.generation ?? 0) ||
        (status.availableReplicas ?? 0) !== spec.replicas ||
        (status.updatedReplicas ?? 0) !== spec.replicas ||
        (status.replicas ?? 0) !== spec.replicas,
    )
    .map(
      ({ metadata, spec, status }) =>
        `deployment ${metadata.namespace}/${metadata.name} has ${status.availableReplicas ?? 0} of ${spec.replicas} available`,
    );
}

/** Resolves with undefined once it holds, else with what was still missing when the time was over. */
export async function waitForSteadyState(
  cluster: ClusterAccess,
  steadyState: SteadyState,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const untilMs = cluster.clock.monotonicMs() + steadyState.timeoutMs;
  for (;;) {
    const missing = await missingOrAway(cluster, steadyState);
    if (missing.length === 0) return undefined;
    if (cluster.clock.monotonicMs() >= untilMs) return missing;
    await cluster.clock.sleep(POLL_MS, signal);
  }
}

async function missingOrAway(cluster: ClusterAccess, steadyState: SteadyState): Promise<string[]> {
  try {
    return await missingFrom(cluster, steadyState);
  } catch (err) {
    if (!isPassing(err)) throw err;
    return [`the API server did not answer: ${err instanceof Error ? err.message : String(err)}`];
  }
}

/** Resolves with undefined once every Node is ready, else with why not. */
export async function waitForNodes(
  cluster: ClusterAccess,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const untilMs = cluster.clock.monotonicMs() + timeoutMs;
  for (;;) {
    const problem = await unreadyNodes(cluster);
    if (problem === undefined) return undefined;
    if (cluster.clock.monotonicMs() >= untilMs) return problem;
    await cluster.clock.sleep(POLL_MS, signal);
  }
}

async function unreadyNodes({ client }: ClusterAccess): Promise<string | undefined> {
  try {
    const { items } = await client.list(nodes);
    if (items.length === 0) return "it has no nodes";
    const unready = items.filter(
      ({ status }) => !status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    if (unready.length === 0) return undefined;
    return `nodes not ready: ${unready.map(({ metadata }) => metadata.name).join(", ")}`;
  } catch (err) {
    if (!isPassing(err)) throw err;
    return `the API server did not answer: ${err instanceof Error ? err.message : String(err)}`;
  }
}

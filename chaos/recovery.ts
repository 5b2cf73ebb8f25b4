import type { ClusterAccess } from "./cluster-access.js";
import type { FaultRecord, Recovery, TableRecord } from "./history.js";
import { COMPONENTS } from "./reach.js";
import type { Scenario } from "./scenario/types.js";
import { waitForSteadyState } from "./steady-state.js";

const POLL_MS = 100;

/** Waits until everything is back after the last fault, and says what was not within the steady state's time. */
export async function proveRecovery(
  cluster: ClusterAccess,
  { steadyState }: Scenario,
  faults: readonly FaultRecord[],
  signal: AbortSignal,
): Promise<Recovery> {
  const { clock } = cluster;
  const beganMs = clock.nowMs();
  const lastHealedAtMs = faults
    .map(({ healedAtMs }) => healedAtMs ?? Number.NaN)
    .filter((atMs) => !Number.isNaN(atMs))
    .reduce((a, b) => Math.max(a, b), 0);
  const untilMs = clock.monotonicMs() + steadyState.timeoutMs;
  const missing = await waitForSteadyState(cluster, steadyState, signal);
  let tables = await readTables(cluster);
  let heldFaults = await readHeldFaults(cluster);
  while ((!agree(tables) || heldFaults.length > 0) && clock.monotonicMs() < untilMs) {
    await clock.sleep(POLL_MS, signal);
    tables = await readTables(cluster);
    heldFaults = await readHeldFaults(cluster);
  }
  return {
    lastHealedAtMs: lastHealedAtMs || beganMs,
    tookMs: clock.nowMs() - beganMs,
    deploymentsAvailable: missing === undefined,
    ...(missing === undefined ? {} : { missing }),
    tablesAgree: agree(tables),
    heldFaults,
  };
}

const agree = (tables: readonly TableRecord[]): boolean =>
  new Set(tables.map(({ revision }) => revision)).size <= 1;

/** Each node's table, by the data plane; empty when that does not answer. */
export async function readTables(cluster: ClusterAccess): Promise<TableRecord[]> {
  const revisions = await inspected(cluster, "dataplane", "/revisions");
  return Object.entries((revisions ?? {}) as Record<string, number>).map(([node, revision]) => ({
    node,
    revision,
  }));
}

async function readHeldFaults(cluster: ClusterAccess): Promise<string[]> {
  const lists = await Promise.all(
    COMPONENTS.map(async (component) => {
      const answer = await inspected(cluster, component, "/faults");
      if (answer === undefined) return [`${component}: does not answer`];
      const { held = [] } = answer as { held?: { id: string }[] };
      return held.map(({ id }) => `${component}: ${id}`);
    }),
  );
  return lists.flat();
}

/** What a component says; undefined when it does not answer or has no such handler. */
export async function inspected(
  cluster: ClusterAccess,
  component: (typeof COMPONENTS)[number],
  path: string,
): Promise<unknown> {
  try {
    return await cluster.inspect(component, path);
  } catch {
    return undefined;
  }
}

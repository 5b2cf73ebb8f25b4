import { pods } from "../../machinery/api/core-v1.js";
import { isNotFound, isTooManyRequests } from "../../machinery/api/status.js";
import type { Reach } from "../reach.js";

export interface Eviction {
  node: string;
  gracePeriodSeconds?: number | undefined;
  /** A budget that refuses is asked again until this wall time. */
  untilMs: number;
}

/** As kubectl waits between two tries of an eviction that a budget refuses. */
const RETRY_MS = 5000;

/** Evicts every pod of a node that a controller other than a DaemonSet owns, as kubectl drain does. */
export async function evictPods({ client, clock, signal }: Reach, eviction: Eviction): Promise<void> {
  const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${eviction.node}` });
  const evicted = items.filter(
    ({ metadata }) =>
      !metadata.deletionTimestamp &&
      !metadata.annotations?.["kubernetes.io/config.mirror"] &&
      !metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet"),
  );
  await Promise.all(
    evicted.map(async ({ metadata: { namespace = "default", name, uid } }) => {
      while (!(await evict(client, { namespace, name, uid }, eviction))) {
        if (clock.nowMs() + RETRY_MS > eviction.untilMs) return;
        await clock.sleep(RETRY_MS, signal);
      }
    }),
  );
}

/** False when a budget refuses for now. */
async function evict(
  client: Reach["client"],
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
  { gracePeriodSeconds }: Eviction,
): Promise<boolean> {
  const deleteOptions = {
    preconditions: { uid },
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  };
  try {
    await client.createSubresource(pods, { namespace, name }, "eviction", {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { namespace, name },
      deleteOptions,
    });
    return true;
  } catch (err) {
    if (isNotFound(err)) return true;
    if (isTooManyRequests(err)) return false;
    throw err;
  }
}

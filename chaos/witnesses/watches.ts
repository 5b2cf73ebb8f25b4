import { nodes, pods, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { objectKey, type ResourceDescriptor } from "../../machinery/api/resource.js";
import { StatusError } from "../../machinery/api/status.js";
import type { ClusterAccess } from "../cluster-access.js";
import type { ResumedWatch } from "../evidence.js";
import { isPassing } from "../passing.js";
import type { Witness } from "../witness.js";

/** What the runner watches. */
const RESOURCES: readonly ResourceDescriptor[] = [pods, services, endpointSlices, nodes];
const MOST_TRIES = 10;
const RETRY_MS = 500;
/** The server ends a watch after so long; what it had to tell has come by then. */
const WATCH_SECONDS = 1;

type Event = ResumedWatch["events"][number];

/** The same history once more: watches that are resumed from the version at which the runner's own watches stood. */
export const watchesWitness: Witness = {
  name: "watches",
  async start({ cluster, signal }) {
    const from = new Map<ResourceDescriptor, string>();
    for (const resource of RESOURCES) {
      const { metadata } = await patiently(cluster, () => cluster.client.list(resource, { limit: 1 }));
      from.set(resource, metadata.resourceVersion);
    }
    return {
      testify: async () => ({
        resumed: await Promise.all(
          [...from].map(([resource, version]) =>
            patiently(cluster, () => secondAccount(cluster, resource, version, signal)),
          ),
        ),
      }),
    };
  },
};

async function secondAccount(
  cluster: ClusterAccess,
  resource: ResourceDescriptor,
  fromVersion: string,
  signal: AbortSignal,
): Promise<ResumedWatch> {
  const list = await cluster.client.list(resource);
  const untilVersion = list.metadata.resourceVersion;
  const account: ResumedWatch = {
    resource: resource.plural,
    fromVersion,
    untilVersion,
    events: [],
    listed: Object.fromEntries(
      list.items.map((object) => [objectKey(object), object.metadata.resourceVersion]),
    ),
    differences: [],
  };
  const read = (from: string): Promise<Event[]> => eventsFrom(cluster, resource, from, untilVersion, signal);
  try {
    account.events = await read(fromVersion);
  } catch (err) {
    if (!isExpired(err)) throw err;
    return { ...account, expired: true };
  }
  const middle = account.events[account.events.length >> 1];
  if (middle) {
    const resumed = await read(middle.resourceVersion);
    const wanted = account.events.slice((account.events.length >> 1) + 1);
    const difference = firstDifference(wanted, resumed);
    if (difference !== undefined)
      account.differences.push(`resumed after ${middle.resourceVersion}: ${difference}`);
  }
  return account;
}

async function eventsFrom(
  { client }: ClusterAccess,
  resource: ResourceDescriptor,
  resourceVersion: string,
  untilVersion: string,
  signal: AbortSignal,
): Promise<Event[]> {
  const events: Event[] = [];
  const watch = client.watch<KubeObject>(resource, {
    resourceVersion,
    allowWatchBookmarks: true,
    timeoutSeconds: WATCH_SECONDS,
    signal,
  });
  for await (const { type, object } of watch) {
    const version = object.metadata.resourceVersion;
    if (type === "BOOKMARK" || type === "ERROR" || BigInt(version) > BigInt(untilVersion)) continue;
    events.push({ type, key: objectKey(object), resourceVersion: version });
  }
  return events;
}

/** Of two accounts of the same events, in words; undefined when they agree. */
export function firstDifference(wanted: readonly Event[], told: readonly Event[]): string | undefined {
  const length = Math.max(wanted.length, told.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [wanted[i], told[i]];
    if (a?.type === b?.type && a?.key === b?.key && a?.resourceVersion === b?.resourceVersion) continue;
    return `${described(b)} came where ${described(a)} should have`;
  }
  return undefined;
}

const described = (event: Event | undefined): string =>
  event ? `${event.type} ${event.key} at ${event.resourceVersion}` : "nothing";

const isExpired = (err: unknown): boolean => err instanceof StatusError && err.status.code === 410;

async function patiently<T>({ clock }: ClusterAccess, call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (err) {
      if (!isPassing(err) || tries === MOST_TRIES) throw err;
      await clock.sleep(RETRY_MS);
    }
  }
}

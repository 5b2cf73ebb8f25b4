import type { ObjectKey } from "../machinery/api/resource.js";
import type { LoggedChange } from "./change-log.js";
import { serviceOf } from "./cluster-view.js";
import type { ReadonlySlice } from "./rules.js";

export const TRIGGER_TIME_ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time";

/** The way of one change from the API to the nodes' tables. JSON as `GET /timeline` answers it. */
export interface TimelineEntry {
  revision: number;
  service: ObjectKey;
  /** `EndpointSlice default/web-x7k2p` */
  object: string;
  type: "set" | "deleted";
  resourceVersion?: string;
  /** When the pod became ready (or the Service changed), as the endpoints' author noted it; to the second. */
  triggeredMs?: number;
  /** When it reached the proxy. */
  receivedMs: number;
  /** How many of the slice's endpoints were ready. */
  readyEndpoints?: number;
  /** Pods that this change of a slice made usable, and those it took away. */
  nowReady?: readonly string[];
  noLongerReady?: readonly string[];
  /** When tables had it: the nodes named, or every node that no other entry names. */
  programmed: Programmed[];
}

export interface Programmed {
  atMs: number;
  nodes?: readonly string[];
  nodeCount: number;
  /** With everything else, not as a change of what was there. */
  full?: boolean;
}

const MOST_ENTRIES = 5000;

/** The last changes, and when each node's table had them. */
export class Timeline {
  readonly #entries: TimelineEntry[] = [];

  /** `previous`: the slice before the change. */
  add({ revision, change, receivedMs }: LoggedChange, previous?: ReadonlySlice): void {
    const { object } = change;
    const entry: TimelineEntry = {
      revision,
      service: serviceOf(change),
      object: `${change.kind === "service" ? "Service" : "EndpointSlice"} ${change.key}`,
      type: object ? "set" : "deleted",
      receivedMs,
      programmed: [],
    };
    if (object) entry.resourceVersion = object.metadata.resourceVersion;
    const triggeredMs = Date.parse(object?.metadata.annotations?.[TRIGGER_TIME_ANNOTATION] ?? "");
    if (!Number.isNaN(triggeredMs)) entry.triggeredMs = triggeredMs;
    if (change.kind === "slice") {
      const before = readyPods(previous);
      const now = readyPods(change.object);
      entry.readyEndpoints = now.size;
      entry.nowReady = [...now].filter((pod) => !before.has(pod));
      entry.noLongerReady = [...before].filter((pod) => !now.has(pod));
    }
    this.#entries.push(entry);
    if (this.#entries.length > 2 * MOST_ENTRIES) this.#entries.splice(0, MOST_ENTRIES);
  }

  /** The tables of these nodes went from one revision to another. Answers the changes that this brought them. */
  programmed(from: number, to: number, at: Programmed): TimelineEntry[] {
    const brought: TimelineEntry[] = [];
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (!entry || entry.revision <= from) break;
      if (entry.revision > to) continue;
      entry.programmed.push(at);
      brought.push(entry);
    }
    return brought;
  }

  list(filter: { service?: ObjectKey; limit: number }): TimelineEntry[] {
    const wanted = this.#entries.filter(
      ({ service }) => filter.service === undefined || service === filter.service,
    );
    return wanted.slice(-filter.limit);
  }
}

/** By pod, or by address where no pod is named. */
const readyPods = (slice: ReadonlySlice | undefined): Set<string> =>
  new Set(
    (slice?.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready ?? true)
      .map(({ targetRef, addresses }) =>
        targetRef?.kind === "Pod" ? `${targetRef.namespace}/${targetRef.name}` : (addresses[0] ?? ""),
      ),
  );

import { FaultParameters } from "../../runtime/fault-parameters.js";

/** Whom a fault concerns. */
export interface Selection {
  /** Names of clients, as the component gives them; absent means all. */
  clients: ReadonlySet<string> | undefined;
  /** Plural names; absent means all. */
  resources: ReadonlySet<string> | undefined;
}

/** What is wrong with watches. A dropped event is gone for its watcher until the object changes again or is listed. */
export interface WatchFault extends Selection {
  /** Each event comes so much later, in order. */
  lagMs: number;
  dropPercent: number;
  duplicatePercent: number;
  /** So many events change places with the next one. */
  reorderPercent: number;
  /** Resets open watches when the fault begins, and then every `everyMs` (0: only once). */
  disconnect: boolean;
  everyMs: number;
  /** Answers every watch, open or new, with 410 Expired. */
  expired: boolean;
  starveBookmarks: boolean;
  /** Stops reading, as a client that hangs; the server ends the watch when its buffer is full. */
  stalled: boolean;
}

const NAMES = [
  "clients",
  "resources",
  "lagMs",
  "dropPercent",
  "duplicatePercent",
  "reorderPercent",
  "disconnect",
  "everyMs",
  "expired",
  "starveBookmarks",
  "stalled",
];

/** Throws RangeError. */
export function parseWatchFault(values: Readonly<Record<string, unknown>>): WatchFault {
  const read = new FaultParameters(values, NAMES);
  return {
    clients: read.texts("clients"),
    resources: read.texts("resources"),
    lagMs: read.number("lagMs"),
    dropPercent: read.percent("dropPercent"),
    duplicatePercent: read.percent("duplicatePercent"),
    reorderPercent: read.percent("reorderPercent"),
    disconnect: read.flag("disconnect"),
    everyMs: read.number("everyMs"),
    expired: read.flag("expired"),
    starveBookmarks: read.flag("starveBookmarks"),
    stalled: read.flag("stalled"),
  };
}

export const concerns = (fault: Selection, client: string, resource: string): boolean =>
  (fault.clients === undefined || fault.clients.has(client)) &&
  (fault.resources === undefined || fault.resources.has(resource));

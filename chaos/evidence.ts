import type { TableChange } from "../proxy-sim/dataplane/table-log.js";
import type { ServicePortRoute } from "../proxy-sim/dataplane/table.js";

/** What witnesses saw beside the runner's own watch and logs. Plain JSON. Absent: no invariant asked for it. */
export interface Evidence {
  dataPlanes?: DataPlaneRecord[];
  views?: ViewRecord[];
  resumed?: ResumedWatch[];
  writes?: WriteRecord[];
  lookups?: LookupRecord[];
  resources?: ResourceSample[];
  /** Names of the processes before the traffic, and when everything had recovered. */
  processes?: { before: string[]; after: string[] };
  ports?: PortRecord[];
  settled?: Settlement;
}

/** When pods and endpoints were what their owners ask for, or when that was given up, and what was missing then. */
export interface Settlement {
  atMs: number;
  missing: string[];
}

/** A program began to listen on a TCP port of a pod or a node, or nobody listens there any more. */
export interface PortRecord {
  atMs: number;
  ip: string;
  port: number;
  open: boolean;
}

/** The tables of one start of the data plane: as they were found, and each change since. */
export interface DataPlaneRecord {
  start: string;
  /** The first flow that `tables` decide. */
  firstFlow: number;
  tables: { nodes: string[]; revision: number; routes: ServicePortRoute[] }[];
  changes: TableChange[];
  /** Some changes were forgotten before they were read: nothing after `tables` can be judged. */
  incomplete?: boolean;
}

/** The table of a revision, computed by the proxy from all that it knew then. */
export interface ViewRecord {
  revision: number;
  routes: ServicePortRoute[];
}

/** A second account of one resource: a watch that was resumed from an early version, after everything. */
export interface ResumedWatch {
  resource: string;
  /** From where; the first account has a position there as well. */
  fromVersion: string;
  /** The version of the list that ended it. */
  untilVersion: string;
  /** No history is kept from there on: there is only the list. */
  expired?: boolean;
  events: { type: "ADDED" | "MODIFIED" | "DELETED"; key: string; resourceVersion: string }[];
  /** By key, the resourceVersion of every object at `untilVersion`. */
  listed: Record<string, string>;
  /** Where a watch that began in the middle, or at a bookmark, went on otherwise than the one from the start. */
  differences: string[];
}

/** One write of the witness, and what became of it. */
export interface WriteRecord {
  atMs: number;
  verb: "create" | "update" | "delete";
  key: string;
  /** What the object says after it; absent: it is gone. */
  value?: string;
  outcome: "ok" | "failed" | "unknown";
  error?: string;
  resourceVersion?: string;
  /** What the object said when it was read after that, `null` when it was gone; absent when nobody could say. */
  readBack?: string | null;
  /** What it said at the end, with the last write of each key. */
  finally?: string | null;
}

/** One question to one DNS replica, or through the Service. */
export interface LookupRecord {
  atMs: number;
  tookMs: number;
  /** Whom it was sent to. */
  server: string;
  name: string;
  /** `namespace/name` of the Service. */
  service: string;
  /** `unknown`: no answer came. */
  outcome: "answered" | "no-such-name" | "unknown";
  addresses: string[];
  ttlSeconds: number;
}

/** What a component holds at a moment. */
export interface ResourceSample {
  component: string;
  phase: "before" | "after";
  atMs: number;
  /** Another start of the process has another identity, and cannot be compared. */
  start: string;
  counts: Record<string, number>;
}

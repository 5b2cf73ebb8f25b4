import type { TimelineEntry } from "../proxy-sim/timeline.js";
import type { Evidence } from "./evidence.js";

/** What happened in a run, in the order of time. Plain JSON: checkers read it afterwards, reports show it. */
export interface History {
  scenario: string;
  seed: string;
  /** Wall time at which the traffic began. */
  startedAtMs: number;
  /** When everything had recovered. */
  endedAtMs: number;
  operations: Operation[];
  faults: FaultRecord[];
  flows: FlowRecord[];
  pods: PodRecord[];
  services: ServiceRecord[];
  endpointSlices: EndpointSliceRecord[];
  nodes: NodeRecord[];
  /** Every event of the runner's own watches, of all the resources above. */
  watchEvents: WatchEventRecord[];
  /** The way of each change into the tables of the nodes, as the proxy noted it. */
  timeline: TimelineEntry[];
  /** What each node's table was at, at the end. */
  tables: TableRecord[];
  probes: ProbeRecord[];
  /** What the runner saw after the last fault; absent when it did not get that far. */
  recovery?: Recovery;
  evidence?: Evidence;
  /** What was left out to keep the history bounded, by field. */
  dropped?: Record<string, number>;
}

/** One request of the traffic. `unknown`: nobody can say whether it was answered. */
export interface Operation {
  client: string;
  atMs: number;
  tookMs: number;
  outcome: "ok" | "failed" | "unknown";
  status?: number;
  error?: string;
  /** The client's own end, by which the flow log knows the connection; without the port when it never opened. */
  local?: string;
  /** Of a DNS client: the addresses that it was given. */
  answer?: string[];
}

export interface FaultRecord {
  id: string;
  /** Name of the step. */
  name: string;
  fault: string;
  /** When it acted, or was tried. */
  atMs: number;
  /** Plain JSON, enough to heal. */
  target: unknown;
  /** `not-reached`: its condition never held. */
  outcome: "injected" | "failed" | "nothing-to-hit" | "not-reached";
  error?: string;
  /** When it was to end; absent for momentary faults. */
  endsAtMs?: number;
  healedAtMs?: number;
  healError?: string;
}

/** One decision of the data plane. */
export interface FlowRecord {
  atMs: number;
  source: string;
  destination: string;
  /** `default/web`, absent when no Service was involved. */
  servicePort?: string;
  /** `namespace/name` of the Pod that was chosen. */
  pod?: string;
  backend?: string;
  outcome: string;
  /** Why it did not open. */
  reason?: string;
  /** Counts up within one start of the data plane. */
  id?: number;
  start?: string;
  protocol?: string;
  /** Whose table decided, at which revision; `""` is a host that is no node. */
  node?: string;
  tableRevision?: number;
  policy?: "Cluster" | "Local";
  /** Set when it has ended. */
  durationMs?: number;
}

export type RecordedEvent = "ADDED" | "MODIFIED" | "DELETED";

/** A Pod as a watch saw it. */
export interface PodRecord {
  atMs: number;
  event: RecordedEvent;
  /** `namespace/name`. */
  pod: string;
  uid: string;
  labels: Record<string, string>;
  ip?: string;
  node?: string;
  phase?: string;
  ready: boolean;
  terminating: boolean;
  hostNetwork?: boolean;
  resourceVersion?: string;
}

export interface ServiceRecord {
  atMs: number;
  event: RecordedEvent;
  service: string;
  uid?: string;
  clusterIP?: string;
  selector?: Record<string, string>;
  publishNotReadyAddresses?: boolean;
  resourceVersion?: string;
}

export interface EndpointSliceRecord {
  atMs: number;
  event: RecordedEvent;
  slice: string;
  /** `namespace/name` of the Service. */
  service: string;
  endpoints: EndpointRecord[];
  resourceVersion: string;
}

export interface EndpointRecord {
  address: string;
  /** `namespace/name`. */
  pod?: string;
  node?: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

export interface NodeRecord {
  atMs: number;
  event: RecordedEvent;
  node: string;
  ready: boolean;
  unschedulable: boolean;
  zone?: string;
}

/** One event of a watch, or one object of the list before it. Streams are numbered: a list starts a new one. */
export interface WatchEventRecord {
  atMs: number;
  resource: string;
  stream: number;
  type: "LISTED" | "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  key: string;
  uid?: string;
  resourceVersion: string;
}

/** One line of the data plane's `GET /revisions`. */
export interface TableRecord {
  node: string;
  revision: number;
}

export interface ProbeRecord {
  probe: string;
  phase: "before" | "during" | "after";
  atMs: number;
  tookMs: number;
  held: boolean;
  /** What it saw. */
  value?: unknown;
  error?: string;
}

export interface Recovery {
  /** When the last fault was healed. */
  lastHealedAtMs: number;
  /** How long after the traffic's end every check below held, or was given up. */
  tookMs: number;
  /** The steady state was reached again; otherwise `missing` says what was not. */
  deploymentsAvailable: boolean;
  missing?: string[];
  tablesAgree: boolean;
  /** Leases that components still held at the end, as `component: id`; and components that did not answer. */
  heldFaults: string[];
}

export const newHistory = (
  given: Partial<History> & Pick<History, "scenario" | "seed" | "startedAtMs" | "endedAtMs">,
): History => ({
  operations: [],
  faults: [],
  flows: [],
  pods: [],
  services: [],
  endpointSlices: [],
  nodes: [],
  watchEvents: [],
  timeline: [],
  tables: [],
  probes: [],
  ...given,
});

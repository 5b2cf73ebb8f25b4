/** What happened in a run, in the order of time. Plain JSON: checkers read it afterwards, reports show it. */
export interface History {
  scenario: string;
  seed: string;
  startedAtMs: number;
  endedAtMs: number;
  operations: Operation[];
  faults: FaultRecord[];
  flows: FlowRecord[];
  pods: PodRecord[];
  services: ServiceRecord[];
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
}

export interface FaultRecord {
  name: string;
  fault: string;
  atMs: number;
  /** Plain JSON, enough to heal. */
  target: unknown;
  outcome: "injected" | "failed" | "nothing-to-hit";
  error?: string;
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
}

/** A Pod as a watch saw it. */
export interface PodRecord {
  atMs: number;
  event: "ADDED" | "MODIFIED" | "DELETED";
  /** `namespace/name`. */
  pod: string;
  uid: string;
  labels: Record<string, string>;
  ip?: string;
  ready: boolean;
  terminating: boolean;
}

export interface ServiceRecord {
  atMs: number;
  event: "ADDED" | "MODIFIED" | "DELETED";
  service: string;
  clusterIP?: string;
  selector?: Record<string, string>;
}

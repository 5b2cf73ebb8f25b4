import type { Component } from "../reach.js";

/** A scenario file after parsing: complete, durations in milliseconds, percents from 0 to 100. */
export interface Scenario {
  name: string;
  seed: string;
  /** Of traffic and faults. */
  durationMs: number;
  /** A run that takes longer than this could not be run. */
  deadlineMs: number;
  /** Only what the file says; live clusters are compared with it, simulated ones are made by it. */
  cluster: ClusterShape;
  manifests: ManifestSource[];
  traffic: TrafficSpec[];
  faults: FaultSpec[];
  probes: ProbeSpec[];
  invariants: InvariantSpec[];
  budgets: Budgets;
  steadyState: SteadyState;
}

/** A file, a folder, or an object in place. */
export type ManifestSource = string | Readonly<Record<string, unknown>>;

/** Both ends included; equal ends mean no chance. */
export interface Range {
  min: number;
  max: number;
}

export interface ClusterShape {
  nodes?: number;
  /** Nodes are spread over them in turn. */
  zones?: string[];
  proxyMode?: "userspace" | "iptables" | "ipvs" | "nftables";
  /** Scheduler of the ipvs mode. */
  ipvsScheduler?: string;
  podCIDR?: string;
  /** When the address of a pod that is gone is given out again. */
  reusePolicy?: "delayed" | "immediate" | "adversarial";
  /** Absent: a simulated one has cluster DNS. */
  dns?: boolean;
  /** How much history the API server keeps. */
  historyMs?: number;
  latencies?: ShapeLatencies;
  /** By image name, or `default`. */
  images?: Record<string, { pullMs?: Range; startMs?: Range; bootMs?: Range }>;
}

/** Of one message or packet. Simulated only: a live cluster has the machine's. */
export interface ShapeLatencies {
  apiMs?: Range;
  networkMs?: Range;
  watchMs?: Range;
}

export interface TrafficSpec {
  name: string;
  /** `pod`: client pods inside the cluster; `host`: this machine, through the Service's node port. */
  from: "pod" | "host";
  namespace: string;
  /** For `pod`. `http://`, `udp://host:port` (sends the body, waits for an answer) or `dns://name`. */
  url?: string;
  /** For `host`: a Service with a node port. */
  service?: string;
  /** For `host`: name or number of the Service's port; its first otherwise. */
  port?: string;
  /** Node that the client pods run on. */
  node?: string;
  /** Clients beside each other; each has the whole `perSecond` to itself. */
  clients: number;
  /** `open`: a slow answer does not hold the next request back. `closed`: one after the other, `think` between. */
  loop: "open" | "closed";
  perSecond: number;
  thinkMs: Range;
  /** The rate grows to `perSecond` over this time. */
  rampMs: number;
  timeoutMs: number;
  keepAlive: boolean;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** Answers with another status are failures. */
  expectStatus: number[];
  /** From the start of the run; until its end unless `durationMs`. */
  startMs: number;
  durationMs?: number;
}

/** One step: what breaks (or changes), when, how long, and whom it hits. */
export interface FaultSpec {
  /** Unique in the scenario. */
  name: string;
  /** Name of a fault. */
  fault: string;
  trigger: Trigger;
  target: TargetSpec;
  /** Checked against the fault's ParameterSpecs, defaults filled in, durations as milliseconds. */
  parameters: Record<string, unknown>;
  /** How long each injection is held. Absent: a momentary fault, or held until `trigger.untilMs`. */
  durationMs?: Range;
}

export interface Trigger {
  /** From the start of the traffic, or of the end of the step that is waited for. */
  startMs: Range;
  after?: { step: string; event: "injected" | "healed" };
  /** Then also waited for, at most `timeoutMs`. */
  when?: { condition: Condition; timeoutMs: number };
  /** Absent: once. The first comes one interval after the start. */
  repeat?: { everyMs: Range; jitterMs: number; times: number };
  /** 0 to 100: how likely each injection is made. */
  probability: number;
  /** From the start of the traffic. */
  untilMs: number;
}

/** Everything that narrows is joined by "and"; what is absent does not narrow. */
export interface TargetSpec {
  /** `*` is every namespace. */
  namespace: string;
  /** Label selector. */
  selector?: string;
  fieldSelector?: string;
  /** A name, or a pattern with `*`. */
  name?: string;
  /** `deployment/web`, `replicaset/x`, `statefulset/x`, `job/x`, `daemonset/x`: pods it owns, also through a ReplicaSet. */
  owner?: string;
  /** Name of a node, or a pattern: pods on it, or the node itself. */
  node?: string;
  nodeSelector?: string;
  zone?: string;
  phase?: string;
  minAgeMs?: number;
  /** Names or patterns that are left out. */
  exclude: string[];
  component?: Component;
  /** For faults of links: which ends. Absent is everything. */
  from?: LinkEnd;
  to?: LinkEnd;
  direction: "to" | "from" | "both";
  mode: "one" | "all" | "count" | "percent" | "random-max-percent";
  /** With mode `count`. */
  count: number;
  /** With the modes of percent, 0 to 100. */
  percent: number;
  /** Matching nothing is no error. */
  optional: boolean;
}

/** One end of links: pods, nodes, a component, this machine, or addresses. */
export interface LinkEnd {
  kind: "pods" | "nodes" | "component" | "host" | "cidr";
  namespace: string;
  selector?: string;
  name?: string;
  owner?: string;
  node?: string;
  zone?: string;
  component?: Component;
  cidr?: string;
}

export type Comparator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "matches" | "oneOf";

export interface Comparison {
  comparator: Comparator;
  value: unknown;
}

/** What may be asked of objects. */
export interface Condition {
  /** As it was written, or a rendering of it. */
  text: string;
  /** Singular, plural, short name or kind: `deployment`, `pods`, `svc`. */
  resource: string;
  namespace: string;
  /** One object; otherwise all that `selector` chooses. */
  name?: string;
  selector?: string;
  check: ConditionCheck;
}

export type ConditionCheck =
  | { kind: "present" }
  | { kind: "absent" }
  /** How many objects there are. */
  | { kind: "count"; comparison: Comparison }
  /** A JSONPath of each object, or a shorthand (`available`, `ready`, `phase`). */
  | { kind: "field"; path: string; comparison: Comparison };

export type ProbeMode = "before" | "after" | "edge" | "during" | "continuous";

export interface ProbeSpec {
  name: string;
  /** `during`: while a fault acts; `continuous`: from start to end; `edge`: before and after. */
  mode: ProbeMode;
  intervalMs: number;
  timeoutMs: number;
  /** How often a failed probe is tried again before it counts. */
  retries: number;
  probe: ProbeAction;
}

export type ProbeAction =
  | {
      kind: "http";
      namespace: string;
      service: string;
      port?: string;
      path: string;
      method: string;
      status: number[];
      body?: Comparison;
    }
  | {
      kind: "command";
      namespace: string;
      /** A pod, or the first ready one of `selector`. */
      pod?: string;
      selector?: string;
      container?: string;
      command: string[];
      exitCode: number;
      output?: Comparison;
    }
  | { kind: "kubernetes"; condition: Condition }
  | { kind: "metrics"; component: Component; metric: string; comparison: Comparison };

export interface InvariantSpec {
  name: string;
  /** Checked against the checker's ParameterSpecs, defaults filled in. */
  parameters: Record<string, unknown>;
}

/** What is set is judged, whether or not its invariant is listed. */
export interface Budgets {
  failedRequests?: number;
  /** 0 to 1, of all requests; the larger of the two budgets counts. */
  failedRatio?: number;
  latencyP50Ms?: number;
  latencyP99Ms?: number;
  /** Each change of a Service is in every node's table this long after the proxy saw it. */
  tablesAgreeWithinMs?: number;
  /** Each change of a pod's readiness is in an EndpointSlice within this time. */
  endpointsConvergeWithinMs?: number;
}

export interface SteadyState {
  /** Every Deployment available and up to date. */
  deployments: boolean;
  conditions: Condition[];
  /** For the start, and again after the last fault. */
  timeoutMs: number;
}

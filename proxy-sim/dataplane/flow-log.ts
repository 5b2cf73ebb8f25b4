import type { Clock } from "../../machinery/api/clock.js";
import type { Protocol } from "../../machinery/api/core-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { ActiveConnections } from "./active-connections.js";
import type { Decision, Packet } from "./decision.js";
import { backendKey } from "./route-entry.js";

export type FlowOutcome =
  | "connecting"
  | "open"
  | "refused"
  | "unreachable"
  | "timed-out"
  | "reset"
  | "closed";

/** One connection (or UDP exchange) and the decision behind it. JSON as `GET /flows` answers it. */
export interface FlowRecord {
  id: number;
  atMs: number;
  protocol: Protocol;
  /** `10.244.0.5:41952`, as the client has it, and the node it runs on. */
  source: string;
  sourceNode?: string;
  /** As the client dialled it: a Service's address or a pod's. */
  destination: string;
  /** Whose table decided, at which revision. */
  node?: string;
  tableRevision?: number;
  servicePort?: string;
  /** The mode of the node's proxy, with its scheduler, and the traffic policy by which it chose. */
  balancer?: string;
  policy?: "Cluster" | "Local";
  /** Whom the backend sees, when that is not the client. */
  seenAs?: string;
  backend?: string;
  backendNode?: string;
  pod?: string;
  slice?: string;
  sliceResourceVersion?: string;
  affinity?: boolean;
  outcome: FlowOutcome;
  /** Why it did not open. */
  reason?: string;
  sentBytes: number;
  receivedBytes: number;
  /** Set when it has ended. */
  durationMs?: number;
}

export interface FlowFilter {
  servicePort?: string;
  pod?: string;
  outcome?: string;
  /** Only flows after this id. */
  sinceId?: number;
}

const DEFAULT_CAPACITY = 20_000;
const MOST_WAITING = 10_000;

/** The last flows, oldest overwritten first, and whoever watches them. */
export class FlowLog {
  readonly #clock: Clock;
  readonly #ring: (FlowRecord | undefined)[];
  readonly #watchers = new Set<(record: FlowRecord) => void>();
  readonly #counts = new Map<FlowOutcome, number>();
  readonly #connections: ActiveConnections | undefined;
  #nextId = 1;
  #active = 0;

  /** `connections` hears of every flow. */
  constructor(clock: Clock, capacity = DEFAULT_CAPACITY, connections?: ActiveConnections) {
    this.#clock = clock;
    this.#connections = connections;
    this.#ring = Array.from({ length: capacity }, () => undefined);
  }

  /** The id that the next flow will have. */
  get nextId(): number {
    return this.#nextId;
  }

  get active(): number {
    return this.#active;
  }

  /** Finished and open flows by outcome, since the start. */
  get counts(): ReadonlyMap<FlowOutcome, number> {
    return this.#counts;
  }

  begin(packet: Packet, decision: Decision): FlowRecord {
    const { match, backend } = decision;
    const record: FlowRecord = {
      id: this.#nextId++,
      atMs: this.#clock.nowMs(),
      protocol: packet.protocol,
      source: formatAddress(packet.from),
      destination: formatAddress(packet.to),
      outcome: "connecting",
      sentBytes: 0,
      receivedBytes: 0,
    };
    if (decision.sourceNode !== undefined) record.sourceNode = decision.sourceNode;
    if (decision.node !== undefined) record.node = decision.node;
    if (decision.tableRevision !== undefined) record.tableRevision = decision.tableRevision;
    if (match) record.servicePort = match.entry.route.servicePort;
    if (decision.affinity) record.affinity = true;
    if (decision.balancer !== undefined) record.balancer = decision.balancer;
    if (decision.policy !== undefined) record.policy = decision.policy;
    if (decision.from.ip !== packet.from.ip) record.seenAs = decision.from.ip;
    if (backend) {
      record.backend = backendKey(backend);
      record.slice = backend.slice;
      record.sliceResourceVersion = backend.sliceResourceVersion;
      if (backend.nodeName !== undefined) record.backendNode = backend.nodeName;
      if (backend.pod !== undefined) record.pod = backend.pod;
    }
    if (decision.hostPort) {
      record.backend = formatAddress(decision.to);
      record.pod = decision.hostPort.pod;
      if (decision.hop?.node) record.backendNode = decision.hop.node.nodeName;
    }
    this.#ring[record.id % this.#ring.length] = record;
    this.#active += 1;
    this.#connections?.began(record);
    return record;
  }

  opened(record: FlowRecord): void {
    record.outcome = "open";
    this.#announce(record);
  }

  /** A flow that never opened has its verdict as outcome; one that did is `open`, or `reset` if it broke. */
  ended(record: FlowRecord, outcome: FlowOutcome, reason?: string): void {
    if (record.durationMs !== undefined) return;
    record.outcome = outcome;
    record.durationMs = Math.max(0, this.#clock.nowMs() - record.atMs);
    if (reason !== undefined) record.reason = reason;
    this.#active -= 1;
    this.#connections?.ended(record);
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    this.#announce(record);
  }

  /** Oldest first, at most `limit`, the newest of them. */
  list(filter: FlowFilter = {}, limit = 1000): FlowRecord[] {
    const found: FlowRecord[] = [];
    const oldest = Math.max(1, this.#nextId - this.#ring.length, (filter.sinceId ?? 0) + 1);
    for (let id = this.#nextId - 1; id >= oldest && found.length < limit; id--) {
      const record = this.#ring[id % this.#ring.length];
      if (record && matches(record, filter)) found.push(record);
    }
    return found.reverse();
  }

  /** Each flow as it opens and once more as it ends. A watcher that is too slow loses records and is told how many. */
  async *watch(filter: FlowFilter, signal: AbortSignal): AsyncGenerator<FlowRecord | { lost: number }> {
    let waiting: FlowRecord[] = [];
    let lost = 0;
    let wake = (): void => {};
    const onRecord = (record: FlowRecord): void => {
      if (!matches(record, filter)) return;
      if (waiting.length >= MOST_WAITING) lost += 1;
      else waiting.push({ ...record });
      wake();
    };
    const onAbort = (): void => wake();
    this.#watchers.add(onRecord);
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const batch = waiting;
        waiting = [];
        yield* batch;
        if (lost > 0) yield { lost };
        lost = 0;
        if (waiting.length === 0 && !signal.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#watchers.delete(onRecord);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #announce(record: FlowRecord): void {
    for (const watcher of this.#watchers) watcher(record);
  }
}

const matches = (record: FlowRecord, { servicePort, pod, outcome, sinceId }: FlowFilter): boolean =>
  (servicePort === undefined ||
    record.servicePort === servicePort ||
    servicePortOf(record) === servicePort) &&
  (pod === undefined || record.pod === pod) &&
  (outcome === undefined || record.outcome === outcome) &&
  (sinceId === undefined || record.id > sinceId);

/** `default/web` finds every port of that Service. */
const servicePortOf = (record: FlowRecord): string | undefined => record.servicePort?.split(":")[0];

import { byMissingEndpoints, flowOf } from "../checkers/failures-explained.js";
import type {
  EndpointSliceRecord,
  FaultRecord,
  FlowRecord,
  History,
  Operation,
  PodRecord,
} from "../history.js";
import type { Scenario } from "../scenario/types.js";

/** Why a request was lost, as far as the history shows it. */
export type LossKind =
  /** Nobody was there to be asked. */
  | "no-endpoints"
  /** Sent to a pod that listened no more. */
  | "closed-port"
  /** Sent to a pod that did not listen yet. */
  | "not-listening"
  /** The application ended with the request under way. */
  | "cut-short"
  /** The grace period ended with the request under way. */
  | "killed"
  /** Its node lost its power. */
  | "node-crash"
  | "no-answer"
  | "error-status"
  | "unexplained";

export interface Loss {
  kind: LossKind;
  operation: Operation;
  flow?: FlowRecord;
  /** Of the pod's port, before the request or just after it was sent. */
  openedMs?: number;
  closedMs?: number;
}

/** A connection that is opened in the moment that its port closes is refused a little later. */
const ON_ITS_WAY_MS = 20;
/** An application that finishes what is under way ends some time after it closed its port. */
const AT_ONCE_MS = 5;

/** Every request of the history that got no answer, in the order of time. */
export const lossesOf = (history: History, scenario: Scenario): Loss[] =>
  history.operations
    .filter(({ outcome }) => outcome !== "ok")
    .map((operation) => lossOf(operation, history, scenario));

/** What became of one failed request. */
export function lossOf(operation: Operation, history: History, scenario: Scenario): Loss {
  const found = flowOf(operation, history, scenario);
  const flow = found && withBackend(found, history);
  if (operation.status !== undefined) return { kind: "error-status", operation, ...(flow ? { flow } : {}) };
  if (!flow) {
    const unanswered = byMissingEndpoints(operation, history, scenario) !== undefined;
    return { kind: unanswered ? "no-endpoints" : "unexplained", operation };
  }
  if (flow.backend === undefined) return { kind: "no-endpoints", operation, flow };
  const ports = portsOf(flow, history);
  const kind = kindOf(operation, flow, ports, history);
  // With nobody else to ask, proxies go on asking pods that are ending.
  const alone = (kind === "closed-port" || kind === "cut-short") && nobodyReady(flow, history);
  return { kind: alone ? "no-endpoints" : kind, operation, flow, ...ports };
}

/** Clients of a headless Service connect to the pods themselves. */
function withBackend(flow: FlowRecord, { pods, startedAtMs }: History): FlowRecord {
  if (flow.backend !== undefined || flow.servicePort !== undefined) return flow;
  const ip = flow.destination.replace(/:\d+$/, "");
  const pod = pods.findLast(
    (record) =>
      record.ip === ip && record.event !== "DELETED" && record.atMs <= Math.max(flow.atMs, startedAtMs),
  );
  return pod ? { ...flow, backend: flow.destination, pod: pod.pod } : flow;
}

/** No EndpointSlice of the Service had a ready endpoint when the connection began. */
function nobodyReady({ servicePort, atMs }: FlowRecord, { endpointSlices }: History): boolean {
  const service = servicePort?.split(":")[0];
  const latest = new Map<string, EndpointSliceRecord>();
  for (const record of endpointSlices) {
    if (record.atMs > atMs) break;
    if (record.service === service) latest.set(record.slice, record);
  }
  return (
    latest.size > 0 && [...latest.values()].every(({ endpoints }) => !endpoints.some(({ ready }) => ready))
  );
}

type Ports = Pick<Loss, "openedMs" | "closedMs">;

function kindOf(
  operation: Operation,
  flow: FlowRecord,
  { openedMs, closedMs }: Ports,
  history: History,
): LossKind {
  if (crashOf(flow, operation, history)) return "node-crash";
  const endedMs = operation.atMs + operation.tookMs;
  if (neverOpened(flow)) {
    if (closedMs !== undefined) return "closed-port";
    return openedMs === undefined ? "not-listening" : "no-answer";
  }
  if (closedMs === undefined || closedMs > endedMs + ON_ITS_WAY_MS) return "no-answer";
  return endedMs - closedMs > AT_ONCE_MS + ON_ITS_WAY_MS ? "killed" : "cut-short";
}

const neverOpened = ({ outcome }: FlowRecord): boolean =>
  outcome === "refused" || outcome === "unreachable" || outcome === "timed-out";

/** The last time that the backend's port was opened, and closed again, until the connection could have arrived. */
function portsOf({ backend = "", atMs, durationMs = 0 }: FlowRecord, { evidence }: History): Ports {
  const untilMs = atMs + durationMs + ON_ITS_WAY_MS;
  const found: Ports = {};
  for (const { ip, port, open, atMs: changedMs } of evidence?.ports ?? []) {
    if (`${ip}:${port}` !== backend || changedMs > untilMs) continue;
    if (open) {
      // What opens only while the connection is refused came too late for it.
      if (changedMs > atMs) continue;
      found.openedMs = changedMs;
      delete found.closedMs;
    } else if (found.openedMs !== undefined) found.closedMs = changedMs;
  }
  return found;
}

/** The crash that the chosen pod's node had by the end of the request. */
export function crashOf(
  flow: FlowRecord,
  operation: Operation,
  { faults, pods }: History,
): FaultRecord | undefined {
  // The flow of a connection that a crash left half open has no end.
  const endedMs = Math.max(flow.atMs + (flow.durationMs ?? 0), operation.atMs + operation.tookMs);
  const node = nodeOf(flow.pod, pods);
  return faults.find(
    ({ fault, atMs, outcome, target, healedAtMs = Number.POSITIVE_INFINITY }) =>
      outcome === "injected" &&
      (fault === "node-crash" || fault === "zone-outage") &&
      atMs <= endedMs &&
      flow.atMs <= healedAtMs &&
      hitsOf(target).includes(node ?? ""),
  );
}

const hitsOf = (target: unknown): readonly unknown[] => {
  const { hits } = (target ?? {}) as { hits?: unknown };
  return Array.isArray(hits) ? hits : [];
};

export const nodeOf = (pod: string | undefined, pods: readonly PodRecord[]): string | undefined =>
  pods.findLast((record) => record.pod === pod && record.node !== undefined)?.node;

/** Lost for good only if nobody may ask twice: a crash takes away what is on its way, and nobody learns of it at once. */
export const isUnavoidable = ({ kind }: Loss): boolean => kind === "node-crash";

import { formatAddress } from "../machinery/network/addresses.js";
import { byMissingEndpoints, flowOf } from "./checkers/failures-explained.js";
import { type Convergence, convergencesOf } from "./convergence.js";
import type { FaultRecord, FlowRecord, History, Operation, PodRecord } from "./history.js";
import type { Scenario } from "./scenario/types.js";

/** Why requests failed: one way in which they did, in words and in moments. */
export interface FailureStory {
  /** In words. */
  text: string;
  /** How many requests this explains, and the first of them. */
  requests: number;
  client: string;
  atMs: number;
  /** `namespace/name`, and its address. */
  pod?: string;
  backend?: string;
  service?: string;
  /** Whose table chose it, at which revision. */
  node?: string;
  tableRevision?: number;
  /** When the pod began to go, or ceased to be ready. */
  goingMs?: number;
  /** When its program listened no more; known where something asked for evidence of ports. */
  portClosedMs?: number;
  /** When the EndpointSlice dropped it, the node's proxy heard, and the node's table dropped it. */
  sliceDroppedMs?: number;
  proxyHeardMs?: number;
  tableDroppedMs?: number;
  /** Ids of the faults that acted then, or had hit just before. */
  faults: string[];
}

const MOST_STORIES = 20;
/** Looking up a connection costs the length of the flow log: later failures count with the last one like them. */
const MOST_LOOKED_UP = 1000;
/** A fault that was over so long before has nothing to do with it; what was done at once (a rollout) goes on for a while. */
const AFTERMATH_MS = 3000;
const AFTER_MOMENTARY_MS = 10_000;
/** A pod that began to go so long before, or a little after (its watch may be late). */
const GOING_BEFORE_MS = 60_000;
const WATCH_LATE_MS = 500;

/**
 * Why the failed requests failed, the most frequent way first: which pod they went to, when that pod went, when its
 * EndpointSlice, the proxy and the table of the node that chose it knew, and which faults acted. At most twenty ways.
 */
export function explainFailures(history: History, scenario: Scenario): FailureStory[] {
  const changes = convergencesOf(history);
  const stories = new Map<string, FailureStory>();
  const latest = new Map<string, FailureStory>();
  let lookedUp = 0;
  for (const operation of history.operations) {
    if (operation.outcome === "ok") continue;
    const { client, error = "", status = "" } = operation;
    const like = latest.get(`${client} ${error} ${status}`);
    if (like && lookedUp >= MOST_LOOKED_UP) {
      like.requests += 1;
      continue;
    }
    lookedUp++;
    const flow = flowOf(operation, history, scenario);
    const key = flow?.backend
      ? `${client} ${flow.backend} ${flow.pod} ${flow.node} ${REASONS[flow.outcome] ?? `${error} ${status}`}`
      : `${client} ${flow?.outcome} ${error} ${status}`;
    const known = stories.get(key);
    const story = known ?? storyOf(operation, flow, { history, scenario, changes });
    if (known) known.requests += 1;
    else stories.set(key, story);
    latest.set(`${client} ${error} ${status}`, story);
  }
  return [...stories.values()]
    .sort((a, b) => b.requests - a.requests || a.atMs - b.atMs)
    .slice(0, MOST_STORIES)
    .map((story) => ({ ...story, text: counted(story) }));
}

interface Context {
  history: History;
  scenario: Scenario;
  changes: readonly Convergence[];
}

/** `3.21 s`: seconds since the traffic began. */
export const momentIn = ({ startedAtMs }: Pick<History, "startedAtMs">, atMs: number): string =>
  `${((atMs - startedAtMs) / 1000).toFixed(2)} s`;

/** Faults that were acting at the moment, or had ended or hit just before. */
export const faultsAround = ({ faults }: History, atMs: number): FaultRecord[] =>
  faults.filter(
    (fault) =>
      fault.outcome === "injected" &&
      fault.atMs <= atMs &&
      (fault.healedAtMs ?? Number.POSITIVE_INFINITY) >=
        atMs - (fault.endsAtMs === undefined ? AFTER_MOMENTARY_MS : AFTERMATH_MS),
  );

/** What acted, and what was done at once just before: to this pod, if anything was. */
function faultsOf(history: History, { atMs, tookMs }: Operation, pod: string | undefined): FaultRecord[] {
  const around = faultsAround(history, atMs + tookMs);
  const name = pod?.split("/")[1];
  if (name === undefined) return around;
  const hits = ({ endsAtMs, target }: FaultRecord): boolean =>
    endsAtMs === undefined && (JSON.stringify(target) ?? "").includes(`"${name}"`);
  return around.some(hits) ? around.filter((fault) => fault.endsAtMs !== undefined || hits(fault)) : around;
}

function storyOf(operation: Operation, flow: FlowRecord | undefined, context: Context): FailureStory {
  const { history } = context;
  const story: FailureStory = {
    text: "",
    requests: 1,
    client: operation.client,
    atMs: operation.atMs,
    faults: faultsOf(history, operation, flow?.pod).map(({ id }) => id),
  };
  if (flow?.servicePort) story.service = flow.servicePort.split(":")[0] ?? flow.servicePort;
  if (flow?.node !== undefined) story.node = flow.node;
  if (flow?.tableRevision !== undefined) story.tableRevision = flow.tableRevision;
  if (flow?.backend !== undefined) story.backend = flow.backend;
  const portClosedMs = flow && portClosedBefore(history, flow);
  if (portClosedMs !== undefined) story.portClosedMs = portClosedMs;
  if (flow?.pod !== undefined) Object.assign(story, { pod: flow.pod }, momentsOf(flow, story, context));
  story.text = [whatHappened(operation, flow, context), ...whyOf(story, context)].join("; ");
  return story;
}

/** Closed before the connection, or in the moment that it came. */
const CLOSING_MS = 50;

function portClosedBefore({ evidence }: History, { backend, atMs }: FlowRecord): number | undefined {
  const last = evidence?.ports?.findLast(
    (port) => formatAddress(port) === backend && port.atMs <= atMs + CLOSING_MS,
  );
  return last && !last.open ? last.atMs : undefined;
}

type Moments = Pick<FailureStory, "goingMs" | "sliceDroppedMs" | "proxyHeardMs" | "tableDroppedMs">;

/** What was known of the pod's end, and when. */
function momentsOf(flow: FlowRecord, { service }: FailureStory, { history, changes }: Context): Moments {
  const goingMs = goingSince(history.pods, flow.pod ?? "", flow.atMs);
  if (goingMs === undefined) return {};
  const dropped = changes.find(
    (change) =>
      (service === undefined || change.service === service) &&
      change.noLongerReady.includes(flow.pod ?? "") &&
      change.receivedMs >= goingMs - WATCH_LATE_MS,
  );
  const seenMs = dropped?.sliceMs ?? sliceDropOf(history, flow.pod ?? "", service, goingMs);
  // The runner's own watches are late as any: what came of a change proves that it was there before.
  const sliceDroppedMs = earlier(seenMs, dropped?.receivedMs);
  const tableDroppedMs = flow.node === undefined ? undefined : dropped?.tables[flow.node];
  return {
    goingMs: earlier(goingMs, sliceDroppedMs) ?? goingMs,
    ...(sliceDroppedMs === undefined ? {} : { sliceDroppedMs }),
    ...(dropped === undefined ? {} : { proxyHeardMs: dropped.receivedMs }),
    ...(tableDroppedMs === undefined ? {} : { tableDroppedMs }),
  };
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** When the pod last was asked to go, or ceased to be ready, before or right after the moment. */
function goingSince(pods: readonly PodRecord[], pod: string, momentMs: number): number | undefined {
  let since: number | undefined;
  let wasReady = false;
  for (const record of pods) {
    if (record.pod !== pod || record.atMs > momentMs + WATCH_LATE_MS) continue;
    const ready = record.event !== "DELETED" && record.ready && !record.terminating;
    if (ready) since = undefined;
    else if (wasReady) since = record.atMs;
    wasReady = ready;
  }
  return since !== undefined && since >= momentMs - GOING_BEFORE_MS ? since : undefined;
}

/** When the first slice without it was seen; for changes that never reached the proxy. */
const sliceDropOf = (
  { endpointSlices }: History,
  pod: string,
  service: string | undefined,
  goingMs: number,
): number | undefined =>
  endpointSlices.find(
    (record) =>
      record.atMs >= goingMs - WATCH_LATE_MS &&
      (service === undefined || record.service === service) &&
      !record.endpoints.some((endpoint) => endpoint.pod === pod && endpoint.ready) &&
      endpointSlices.some(
        (before) =>
          before.slice === record.slice &&
          before.atMs < record.atMs &&
          before.endpoints.some((endpoint) => endpoint.pod === pod && endpoint.ready),
      ),
  )?.atMs;

const REASONS: Readonly<Record<string, string>> = {
  refused: "refused the connection",
  "timed-out": "did not answer the connection",
  unreachable: "could not be reached",
  reset: "reset the connection",
};

function whatHappened(operation: Operation, flow: FlowRecord | undefined, context: Context): string {
  const { history } = context;
  const at = `${operation.client} at ${momentIn(history, operation.atMs)}`;
  const failed = operation.error ?? (operation.status ? `status ${operation.status}` : operation.outcome);
  if (flow?.backend) {
    const who = flow.pod ? `${flow.backend} (${flow.pod})` : flow.backend;
    return `${at}: ${who} ${REASONS[flow.outcome] ?? `was connected, then: ${failed}`}`;
  }
  if (flow) return `${at}: ${flow.destination} ${flow.outcome}${flow.reason ? `, ${flow.reason}` : ""}`;
  return `${at}: ${byMissingEndpoints(operation, history, context.scenario) ?? failed}`;
}

function whyOf(story: FailureStory, { history }: Context): string[] {
  const at = (atMs: number): string => momentIn(history, atMs);
  const parts: string[] = [];
  if (story.goingMs !== undefined) {
    const late = story.goingMs > story.atMs;
    parts.push(`that pod was ${late ? "seen going at" : "going since"} ${at(story.goingMs)}`);
    if (story.portClosedMs !== undefined) parts.push(`it closed its port at ${at(story.portClosedMs)}`);
    parts.push(
      story.sliceDroppedMs === undefined
        ? "no EndpointSlice ever dropped it"
        : `its EndpointSlice dropped it at ${at(story.sliceDroppedMs)}`,
    );
    parts.push(...tablePart(story, at));
  }
  const acted = history.faults.filter(({ id }) => story.faults.includes(id));
  if (acted.length > 0) parts.push(`${actedInWords(acted, at)}`);
  return parts;
}

function tablePart(story: FailureStory, at: (atMs: number) => string): string[] {
  const { node, tableRevision, tableDroppedMs, proxyHeardMs, atMs } = story;
  if (node === undefined || node === "") return [];
  const table = `${node}'s table${tableRevision === undefined ? "" : ` (revision ${tableRevision})`}`;
  const heard = proxyHeardMs === undefined ? "" : ` (its proxy heard at ${at(proxyHeardMs)})`;
  if (tableDroppedMs === undefined) return [`${table} still had it${heard}`];
  return tableDroppedMs > atMs
    ? [`${table} still had it until ${at(tableDroppedMs)}${heard}`]
    : [`${table} had dropped it at ${at(tableDroppedMs)}: the connection was older`];
}

const MOST_NAMED_FAULTS = 3;

/** `while proxy-stall (2.00 s to 6.00 s) acted`. */
export function actedInWords(faults: readonly FaultRecord[], at: (atMs: number) => string): string {
  const held = faults.filter(({ endsAtMs }) => endsAtMs !== undefined);
  const momentary = faults.filter(({ endsAtMs }) => endsAtMs === undefined);
  const span = ({ name, fault, atMs, healedAtMs }: FaultRecord): string =>
    `${titled(name, fault)} (${at(atMs)} to ${healedAtMs === undefined ? "the end" : at(healedAtMs)})`;
  const hit = ({ name, fault, atMs }: FaultRecord): string => `${titled(name, fault)} (${at(atMs)})`;
  return [
    ...(held.length > 0 ? [`while ${listed(held.map(span))} acted`] : []),
    ...(momentary.length > 0 ? [`after ${listed(momentary.slice(-MOST_NAMED_FAULTS).map(hit))}`] : []),
  ].join(", ");
}

const titled = (name: string, fault: string): string => (name === fault ? fault : `${name}: ${fault}`);

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_NAMED_FAULTS);
  const more = texts.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const counted = ({ text, requests }: FailureStory): string =>
  requests === 1 ? text : `${text} (and ${requests - 1} more requests like it)`;

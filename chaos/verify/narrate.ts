import { type Convergence, convergencesOf } from "../convergence.js";
import type { EndpointSliceRecord, History } from "../history.js";
import type { Scenario } from "../scenario/types.js";
import { crashOf, type Loss, type LossKind, nodeOf } from "./loss.js";

/** One lost request, and what led to it, in the order of time. */
export interface Narrative {
  kind: LossKind;
  /** What happened, in one sentence. */
  sentence: string;
  events: Moment[];
}

export interface Moment {
  /** Since the traffic began. */
  atSeconds: number;
  text: string;
}

/** Steps of the world as it is, not of the upheaval. */
const BACKGROUND = /^(slow-proxy-\d+|sync-period)$/;
/** A watch of the runner's may be late, and was there before the change that it belongs to. */
const WATCH_LATE_MS = 1000;

/** Why this request was lost, from the history alone. */
export function narrate(loss: Loss, history: History, scenario: Scenario): Narrative {
  const context: Context = { loss, history, scenario, ...knowledgeOf(loss, history) };
  const events = [
    ...upheavalMoments(context),
    ...podMoments(context),
    ...tableMoments(context),
    ...endpointMoments(context),
    ...requestMoments(context),
  ]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => ({ atSeconds: round((atMs - history.startedAtMs) / 1000), text }));
  return { kind: loss.kind, sentence: sentenceOf(context), events };
}

interface Timed {
  atMs: number;
  text: string;
}

interface Context {
  loss: Loss;
  history: History;
  scenario: Scenario;
  /** The change of an EndpointSlice that took the pod away, when it came that far. */
  dropped?: Convergence;
  learntMs?: number;
}

/** When the deciding node's proxy was told that the pod was no longer to be asked. */
function knowledgeOf({ flow, closedMs, operation }: Loss, history: History) {
  if (!flow?.pod || flow.node === undefined) return {};
  const sinceMs = Math.min(closedMs ?? operation.atMs, operation.atMs) - WATCH_LATE_MS;
  const dropped = convergencesOf(history).find(
    (change) => change.noLongerReady.includes(flow.pod ?? "") && change.receivedMs >= sinceMs,
  );
  const learntMs = dropped?.tables[flow.node];
  return { ...(dropped ? { dropped } : {}), ...(learntMs === undefined ? {} : { learntMs }) };
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
const seconds = ({ history }: Context, atMs: number): string =>
  `${((atMs - history.startedAtMs) / 1000).toFixed(3)} s`;

function sentenceOf(context: Context): string {
  const { flow, operation } = context.loss;
  const at = (ms: number): string => seconds(context, ms);
  const address = addressOf(flow?.backend);
  switch (context.loss.kind) {
    case "closed-port":
    case "cut-short":
      return `${learnt(context, address)}; the pod had closed its port at ${at(context.loss.closedMs ?? operation.atMs)}`;
    case "not-listening":
      return `${flow?.node ?? "a node"}'s proxy sent a request to ${address} at ${at(flow?.atMs ?? operation.atMs)}; ${opening(context)}`;
    case "killed":
      return `the pod at ${address} closed its port at ${at(context.loss.closedMs ?? operation.atMs)} and was killed at ${at(operation.atMs + operation.tookMs)}, with a request under way`;
    case "no-endpoints":
      return `at ${at(operation.atMs)} the Service had no endpoint: ${withoutEndpoints(context)}`;
    case "node-crash":
      return `${nodeOf(flow?.pod, context.history.pods) ?? "the node"} lost its power, and ${flow?.node ?? "the others"} sent to ${address} until its table changed`;
    case "error-status":
      return `${address} answered ${operation.status} at ${at(operation.atMs)}`;
    case "no-answer":
      return `${address} took the request of ${at(operation.atMs)} and did not answer it (${operation.error ?? "no answer"})`;
    case "unexplained":
      return `${operation.client} lost its request of ${at(operation.atMs)} (${operation.error ?? "no answer"}), and no log says why`;
  }
}

/** `node-2's proxy learnt at 12.140 s that 10.244.1.7 was going`. */
function learnt(context: Context, address: string): string {
  const { loss, dropped, learntMs } = context;
  const node = loss.flow?.node || "the host";
  if (learntMs !== undefined)
    return `${node}'s proxy learnt at ${seconds(context, learntMs)} that ${address} was going`;
  return dropped
    ? `${node}'s proxy never learnt that ${address} was going`
    : `nobody told ${node}'s proxy that ${address} was going`;
}

function opening({ history, loss: { flow, operation } }: Context): string {
  const opened = (history.evidence?.ports ?? []).find(
    ({ ip, port, open, atMs }) => open && `${ip}:${port}` === flow?.backend && atMs >= operation.atMs,
  );
  return opened
    ? `the pod listened only from ${((opened.atMs - history.startedAtMs) / 1000).toFixed(3)} s on`
    : "the pod did not listen yet";
}

function withoutEndpoints({ history, loss, scenario }: Context): string {
  const service = serviceOf(loss, scenario);
  const before = history.endpointSlices.findLast(
    (record) => record.atMs <= loss.operation.atMs && isOf(record, service) && readyIn(record).length > 0,
  );
  const last = before ? readyIn(before) : [];
  return last.length > 0
    ? `its last one, ${last.join(", ")}, had gone and no other pod was ready`
    : "no pod was ready";
}

const readyIn = ({ endpoints }: EndpointSliceRecord): string[] =>
  endpoints.filter(({ ready }) => ready).map(({ address }) => address);

/** `namespace/name`; undefined when neither the flow nor the client says. */
function serviceOf({ flow, operation }: Loss, { traffic }: Scenario): string | undefined {
  if (flow?.servicePort) return flow.servicePort.split(":")[0];
  const spec = traffic.find(({ name }) => name === operation.client);
  return spec?.service ? `${spec.namespace}/${spec.service}` : undefined;
}

const isOf = (record: EndpointSliceRecord, service: string | undefined): boolean =>
  service === undefined ? record.service !== "default/kubernetes" : record.service === service;

const addressOf = (backend = "a pod"): string => backend.replace(/:\d+$/, "");

function upheavalMoments({ history, loss }: Context): Timed[] {
  return history.faults
    .filter(
      ({ name, outcome, atMs }) =>
        outcome === "injected" && !BACKGROUND.test(name) && atMs <= loss.operation.atMs,
    )
    .map(({ atMs, fault }) => ({ atMs, text: `${fault} begins` }));
}

function podMoments({ loss: { flow, operation, openedMs, closedMs }, history }: Context): Timed[] {
  if (!flow?.pod) return [];
  const node = nodeOf(flow.pod, history.pods);
  const who = `${flow.pod.split("/")[1]}${node ? ` on ${node}` : ""}`;
  const crash = crashOf(flow, operation, history);
  const moments: Timed[] = [];
  if (openedMs !== undefined && openedMs > history.startedAtMs)
    moments.push({ atMs: openedMs, text: `${who} listens at ${flow.backend}` });
  if (crash) moments.push({ atMs: crash.atMs, text: `${node} loses its power, and ${who} with it` });
  else if (closedMs !== undefined) moments.push({ atMs: closedMs, text: `${who} closes its port` });
  return moments;
}

function tableMoments(context: Context): Timed[] {
  const { dropped, learntMs, loss } = context;
  if (!dropped) return [];
  const version = dropped.resourceVersion ? `, resourceVersion ${dropped.resourceVersion}` : "";
  const moments: Timed[] = [];
  if (dropped.sliceMs !== undefined)
    moments.push({
      atMs: Math.min(dropped.sliceMs, dropped.receivedMs),
      text: `an EndpointSlice without it is written (${dropped.slice}${version})`,
    });
  moments.push({ atMs: dropped.receivedMs, text: "the news reaches the first proxy" });
  if (learntMs !== undefined)
    moments.push({ atMs: learntMs, text: `${loss.flow?.node}'s proxy learns it and writes its table` });
  return moments;
}

function endpointMoments({ loss, history, scenario }: Context): Timed[] {
  if (loss.kind !== "no-endpoints") return [];
  const service = serviceOf(loss, scenario);
  const emptied = history.endpointSlices.findLast(
    (record) => record.atMs <= loss.operation.atMs && isOf(record, service) && readyIn(record).length === 0,
  );
  return emptied
    ? [{ atMs: emptied.atMs, text: `the EndpointSlice has no ready endpoint any more (${emptied.slice})` }]
    : [];
}

function requestMoments({ loss: { operation, flow } }: Context): Timed[] {
  const revision = flow?.tableRevision === undefined ? "" : `, revision ${flow.tableRevision}`;
  const to = flow?.backend ? ` to ${flow.backend}` : "";
  const by = flow?.node ? ` by ${flow.node}'s table${revision}` : "";
  const how = operation.error ?? `status ${operation.status}`;
  const moments = [{ atMs: operation.atMs + operation.tookMs, text: `${operation.client}: ${how}` }];
  if (flow && flow.atMs < operation.atMs)
    moments.push({ atMs: flow.atMs, text: `${operation.client} opens the connection${to}${by}` });
  moments.push({
    atMs: operation.atMs,
    text: `${operation.client} sends the request that is lost${flow && flow.atMs < operation.atMs ? "" : `${to}${by}`}`,
  });
  return moments;
}

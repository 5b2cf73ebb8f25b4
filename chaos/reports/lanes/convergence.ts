import { type Convergence, convergencesOf } from "../../convergence.js";
import { momentIn } from "../../explain-failures.js";
import type { History } from "../../history.js";
import { shownMs } from "../statistics.js";
import { bar, type Lane, type Row, tip, type TimeScale } from "./lane.js";

const ROW_HEIGHT = 14;
const MOST_ROWS = 16;
const MOST_CHANGES = 300;
const GAP = 6;
/** Beyond, only the first and the last table are drawn. */
const MOST_TICKS = 12;

/** Changes of endpoints on their way: pod, EndpointSlice, the table of each node. Changes beside each other share rows. */
export function convergenceLane(history: History, scale: TimeScale): Lane {
  const changes = convergencesOf(history);
  const nodes = history.tables.length;
  const rows: { endX: number; changes: Convergence[] }[] = [];
  let left = Math.max(0, changes.length - MOST_CHANGES);
  for (const change of changes.slice(0, MOST_CHANGES)) {
    const x = scale.x(beginOf(change));
    const row = rows.find(({ endX }) => endX + GAP < x);
    if (row) row.changes.push(change);
    else if (rows.length < MOST_ROWS) rows.push({ endX: 0, changes: [change] });
    else {
      left++;
      continue;
    }
    const owner = row ?? rows.at(-1);
    if (owner) owner.endX = scale.x(endOf(change, nodes, scale.toMs));
  }
  return {
    title: "Convergence",
    legend:
      "circle: the pod changed; square: its EndpointSlice; ticks: the table of each node; red: some table never had it",
    rows: rows.map((row, i) => packedRow(i === 0 ? "endpoints" : "", row.changes, history, scale)),
    ...(left > 0 ? { more: `${left} more changes` } : {}),
  };
}

const beginOf = ({ podMs, sliceMs, receivedMs }: Convergence): number => podMs ?? sliceMs ?? receivedMs;

const isEverywhere = ({ tables }: Convergence, nodes: number): boolean => Object.keys(tables).length >= nodes;

const endOf = (change: Convergence, nodes: number, endMs: number): number =>
  isEverywhere(change, nodes) ? Math.max(change.receivedMs, ...Object.values(change.tables)) : endMs;

const packedRow = (
  label: string,
  changes: readonly Convergence[],
  history: History,
  scale: TimeScale,
): Row => ({
  label,
  height: ROW_HEIGHT,
  draw: (y) => changes.map((change) => drawChange(change, y + ROW_HEIGHT / 2, history, scale)).join(""),
});

function drawChange(change: Convergence, y: number, history: History, scale: TimeScale): string {
  const nodes = history.tables.length;
  const kind = isEverywhere(change, nodes) ? "change" : "change late";
  const from = scale.x(beginOf(change));
  const to = scale.x(endOf(change, nodes, scale.toMs));
  const { podMs, sliceMs, tables } = change;
  const ticks = Object.values(tables).sort((a, b) => a - b);
  const drawn = ticks.length > MOST_TICKS ? [ticks[0] ?? 0, ticks.at(-1) ?? 0] : ticks;
  return [
    `<g class="${kind}">${tip(convergenceInWords(change, history))}`,
    `<path d="M${from} ${y}H${Math.max(to, from + 1)}"/>`,
    podMs === undefined ? "" : `<circle cx="${scale.x(podMs)}" cy="${y}" r="3.5"/>`,
    sliceMs === undefined ? "" : bar("slice", { x: scale.x(sliceMs) - 2.5, y: y - 2.5, width: 5, height: 5 }),
    ...drawn.map((atMs) => `<path d="M${scale.x(atMs)} ${y - 5}v10"/>`),
    "</g>",
  ].join("");
}

const MOST_NAMED = 8;

/** `default/web: web-x7k is ready; pod 3.10 s, EndpointSlice 3.12 s, node-1 3.15 s …, 50 ms in all`. */
export function convergenceInWords(change: Convergence, history: History): string {
  const { service, nowReady, noLongerReady, podMs, sliceMs, receivedMs, tables } = change;
  const at = (ms: number): string => momentIn(history, ms);
  const what = [
    ...nowReady.map((pod) => `${pod} is ready`),
    ...noLongerReady.map((pod) => `${pod} is no longer ready`),
  ];
  const byTime = Object.entries(tables).sort(([, a], [, b]) => a - b);
  const missing = history.tables.map(({ node }) => node).filter((node) => tables[node] === undefined);
  const way = [
    ...(podMs === undefined ? [] : [`pod ${at(podMs)}`]),
    ...(sliceMs === undefined ? [] : [`EndpointSlice ${at(sliceMs)}`]),
    `proxy ${at(receivedMs)}`,
    ...byTime.slice(0, MOST_NAMED).map(([node, atMs]) => `${node} ${at(atMs)}`),
    ...(byTime.length > MOST_NAMED ? [`the last of ${byTime.length} ${at(byTime.at(-1)?.[1] ?? 0)}`] : []),
    ...(missing.length > 0 ? [`never: ${missing.slice(0, MOST_NAMED).join(", ")}`] : []),
  ];
  const took =
    byTime.length > 0 ? `; ${shownMs(Math.max(0, (byTime.at(-1)?.[1] ?? 0) - beginOf(change)))} in all` : "";
  return `${service}: ${what.slice(0, MOST_NAMED).join(", ") || "endpoints changed"}; ${way.join(", ")}${took}`;
}

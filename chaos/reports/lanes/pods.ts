import { momentIn } from "../../explain-failures.js";
import type { History, NodeRecord, PodRecord } from "../../history.js";
import { bar, type Lane, type Row, type TimeScale } from "./lane.js";

const ROW_HEIGHT = 14;
const MOST_PODS = 60;
const MOST_NODES = 20;

interface Segment {
  kind: string;
  fromMs: number;
  toMs: number;
  text: string;
}

/** The life of every pod that changed during the run; the others only in number. */
export function podsLane(history: History, scale: TimeScale): Lane {
  const lives = new Map<string, PodRecord[]>();
  for (const record of history.pods) {
    const life = lives.get(record.uid);
    if (life) life.push(record);
    else lives.set(record.uid, [record]);
  }
  const changed = [...lives.values()].filter((life) => life.some(({ atMs }) => atMs > history.startedAtMs));
  const rows = changed.slice(0, MOST_PODS).map((life) => lifeRow(life, history, scale));
  const more = [
    ...(changed.length > MOST_PODS ? [`${changed.length - MOST_PODS} more pods that changed`] : []),
    ...(lives.size > changed.length ? [`${lives.size - changed.length} pods did not change`] : []),
  ];
  return {
    title: "Pods",
    legend: "grey: not started; yellow: not ready; green: ready; striped: going",
    rows,
    ...(more.length > 0 ? { more: more.join(", ") } : {}),
  };
}

function lifeRow(life: readonly PodRecord[], history: History, scale: TimeScale): Row {
  const [first] = life;
  const segments = segmentsOf(
    life,
    stateOf,
    history,
    ({ ip, node }) => `${ip ?? "no address"} on ${node ?? "no node"}`,
  );
  return {
    label: nameOf(first?.pod ?? ""),
    height: ROW_HEIGHT,
    draw: (y) => drawSegments(segments, y, scale),
  };
}

const nameOf = (pod: string): string => (pod.startsWith("default/") ? pod.slice("default/".length) : pod);

function stateOf({ event, terminating, ready, phase }: PodRecord): string | undefined {
  if (event === "DELETED") return undefined;
  if (terminating) return "going";
  if (ready) return "ready";
  return phase === undefined || phase === "Pending" ? "pending" : "unready";
}

/** Nodes that were not ready, or cordoned, at some time of the run. */
export function nodesLane(history: History, scale: TimeScale): Lane {
  const lives = new Map<string, NodeRecord[]>();
  for (const record of history.nodes) {
    const life = lives.get(record.node);
    if (life) life.push(record);
    else lives.set(record.node, [record]);
  }
  const hit = [...lives].filter(([, life]) => life.some((record) => nodeState(record) !== "ready"));
  const rows = hit.slice(0, MOST_NODES).map(([node, life]): Row => {
    const segments = segmentsOf(life, nodeState, history, ({ ready, unschedulable }) =>
      [ready ? "ready" : "not ready", ...(unschedulable ? ["cordoned"] : [])].join(", "),
    );
    return { label: node, height: ROW_HEIGHT, draw: (y) => drawSegments(segments, y, scale) };
  });
  return {
    title: "Nodes",
    legend: "green: ready; yellow: cordoned; red: not ready",
    rows,
    ...(hit.length > MOST_NODES ? { more: `${hit.length - MOST_NODES} more nodes` } : {}),
  };
}

function nodeState({ event, ready, unschedulable }: NodeRecord): string | undefined {
  if (event === "DELETED") return undefined;
  if (!ready) return "lost";
  return unschedulable ? "unready" : "ready";
}

/** States that follow each other as one segment while they are the same. */
function segmentsOf<T extends { atMs: number }>(
  life: readonly T[],
  state: (record: T) => string | undefined,
  history: History,
  words: (record: T) => string,
): Segment[] {
  const segments: Segment[] = [];
  for (const [i, record] of life.entries()) {
    const kind = state(record);
    const toMs = life[i + 1]?.atMs ?? history.endedAtMs;
    const last = segments.at(-1);
    if (kind === undefined || toMs < history.startedAtMs) continue;
    const text = `${kind} from ${momentIn(history, record.atMs)}, ${words(record)}`;
    if (last?.kind === kind && last.toMs === record.atMs) last.toMs = toMs;
    else segments.push({ kind, fromMs: record.atMs, toMs, text });
  }
  return segments;
}

const drawSegments = (segments: readonly Segment[], y: number, scale: TimeScale): string =>
  segments
    .map(({ kind, fromMs, toMs, text }) => {
      const x = scale.x(fromMs);
      return bar(kind, { x, y: y + 3, width: scale.x(toMs) - x, height: ROW_HEIGHT - 6 }, text);
    })
    .join("");

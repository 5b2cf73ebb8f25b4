import { momentIn } from "../../explain-failures.js";
import type { History, Operation } from "../../history.js";
import { ascending, percentile, shownMs } from "../statistics.js";
import { bar, type Lane, LABEL_WIDTH, type Row, round, tip, type TimeScale, WIDTH } from "./lane.js";

const BUCKETS = 150;
const ROW_HEIGHT = 48;
const MOST_CLIENTS = 12;
/** One failure among thousands must be seen. */
const LEAST_FAILED_HEIGHT = 3;

interface Bucket {
  atMs: number;
  ok: number;
  failed: number;
  tookMs: number[];
}

/** A row for each client: answered and failed requests by time, and how long answers took. */
export function requestsLane(history: History, scale: TimeScale): Lane {
  const clients = new Map<string, Operation[]>();
  for (const operation of history.operations) {
    const own = clients.get(operation.client);
    if (own) own.push(operation);
    else clients.set(operation.client, [operation]);
  }
  const rows = [...clients]
    .slice(0, MOST_CLIENTS)
    .map(([client, operations]) => clientRow(client, operations, history, scale));
  return {
    title: "Requests",
    legend: "height: requests in that time, red: failed; line: their 99th percentile of latency",
    rows,
    ...(clients.size > MOST_CLIENTS ? { more: `${clients.size - MOST_CLIENTS} more clients` } : {}),
  };
}

function clientRow(
  client: string,
  operations: readonly Operation[],
  history: History,
  scale: TimeScale,
): Row {
  const buckets = bucketsOf(operations, scale);
  const failed = operations.filter(({ outcome }) => outcome !== "ok").length;
  return {
    label: failed > 0 ? `${client} (${failed} failed)` : client,
    height: ROW_HEIGHT,
    draw: (y) => drawBuckets(buckets, y + 3, ROW_HEIGHT - 6, history, scale),
  };
}

function bucketsOf(operations: readonly Operation[], { fromMs, toMs }: TimeScale): Bucket[] {
  const widthMs = (toMs - fromMs) / BUCKETS;
  const buckets = Array.from(
    { length: BUCKETS },
    (_, i): Bucket => ({ atMs: fromMs + i * widthMs, ok: 0, failed: 0, tookMs: [] }),
  );
  for (const { atMs, outcome, tookMs } of operations) {
    const i = Math.min(BUCKETS - 1, Math.max(0, Math.floor((atMs - fromMs) / widthMs)));
    const bucket = buckets[i];
    if (!bucket) continue;
    if (outcome !== "ok") bucket.failed += 1;
    else {
      bucket.ok += 1;
      bucket.tookMs.push(tookMs);
    }
  }
  return buckets;
}

function drawBuckets(
  buckets: readonly Bucket[],
  y: number,
  height: number,
  history: History,
  scale: TimeScale,
): string {
  const width = round((WIDTH - 12 - LABEL_WIDTH) / BUCKETS);
  const most = Math.max(1, ...buckets.map(({ ok, failed }) => ok + failed));
  const slow = buckets.map(({ tookMs }) => percentile(ascending(tookMs), 99));
  const slowest = Math.max(0.001, ...slow);
  const bars = buckets.flatMap((bucket, i) => {
    if (bucket.ok + bucket.failed === 0) return [];
    const x = scale.x(bucket.atMs);
    const redHeight = bucket.failed > 0 ? Math.max(LEAST_FAILED_HEIGHT, (bucket.failed / most) * height) : 0;
    const okHeight = (bucket.ok / most) * (height - redHeight);
    const base = y + height;
    return [
      `<g>${tip(bucketInWords(bucket, slow[i] ?? 0, history))}`,
      ...(okHeight > 0 ? [bar("ok", { x, y: base - okHeight, width, height: okHeight })] : []),
      ...(redHeight > 0
        ? [bar("failed", { x, y: base - okHeight - redHeight, width, height: redHeight })]
        : []),
      "</g>",
    ];
  });
  const line = buckets.flatMap(({ atMs, tookMs }, i) =>
    tookMs.length > 0
      ? [`${round(scale.x(atMs) + width / 2)},${round(y + height - ((slow[i] ?? 0) / slowest) * height)}`]
      : [],
  );
  return `${bars.join("")}<polyline class="latency" points="${line.join(" ")}"/>`;
}

const bucketInWords = ({ atMs, ok, failed, tookMs }: Bucket, p99: number, history: History): string =>
  `${momentIn(history, atMs)}: ${ok} answered, ${failed} failed${tookMs.length > 0 ? `, p99 ${shownMs(p99)}` : ""}`;

import type { LogLine } from "../container-runtime.js";
import type { ContainerLog } from "../container-runtime.js";

export interface LogOptions {
  follow: boolean;
  timestamps: boolean;
  tailLines?: number;
  limitBytes?: number;
  /** Lines written before this are left out. */
  sinceMs?: number;
}

/** The query of /containerLogs (PodLogOptions); the API server has validated it. */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    return text === null || !/^[0-9]+$/.test(text) ? undefined : Number(text);
  };
  const flag = (name: string): boolean => ["true", "1", ""].includes(query.get(name) ?? "false");
  const sinceSeconds = number("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : Date.parse(sinceTime ?? "");
  const tailLines = number("tailLines");
  const limitBytes = number("limitBytes");
  return {
    follow: flag("follow"),
    timestamps: flag("timestamps"),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(Number.isNaN(sinceMs) ? {} : { sinceMs }),
  };
}

const NEWLINE = Buffer.from("\n");

// Upstream: pkg/kubelet/kuberuntime/logs.
/** What `kubectl logs` prints, chunk by chunk. Ends at the signal, at the limit, or when there is no more. */
export async function* readContainerLog(
  log: ContainerLog,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let skip = options.tailLines === undefined ? 0 : await tailStart(log, options, signal);
  let leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let atLineStart = true;
  for await (const line of log.read({ follow: options.follow, signal })) {
    if (!isWanted(line, options)) continue;
    const startsLine = atLineStart;
    atLineStart = line.complete;
    if (skip > 0) {
      skip--;
      continue;
    }
    const bytes = formatLine(line, options.timestamps && startsLine);
    if (bytes.length > leftBytes) yield bytes.subarray(0, leftBytes);
    else yield bytes;
    leftBytes -= bytes.length;
    if (leftBytes <= 0) return;
  }
}

const isWanted = (line: LogLine, { sinceMs }: LogOptions): boolean =>
  sinceMs === undefined || line.atMs >= sinceMs;

function formatLine(line: LogLine, timestamp: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  if (timestamp) parts.push(Buffer.from(`${toNanoTime(line.atMs)} `));
  parts.push(line.text);
  if (line.complete) parts.push(NEWLINE);
  return Buffer.concat(parts);
}

/** RFC 3339 with nanoseconds, as the CRI log has them. */
function toNanoTime(ms: number): string {
  const nanos = String(Math.round((ms - Math.floor(ms)) * 1_000_000)).padStart(6, "0");
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 23)}${nanos}Z`;
}

/** How many records to leave out so that `tailLines` whole lines are left. */
async function tailStart(log: ContainerLog, options: LogOptions, signal: AbortSignal): Promise<number> {
  const lineStarts: number[] = [];
  let count = 0;
  let atLineStart = true;
  for await (const line of log.read({ follow: false, signal })) {
    if (!isWanted(line, options)) continue;
    if (atLineStart) lineStarts.push(count);
    atLineStart = line.complete;
    count++;
  }
  const tail = options.tailLines ?? 0;
  return tail === 0 ? count : (lineStarts[Math.max(0, lineStarts.length - tail)] ?? 0);
}

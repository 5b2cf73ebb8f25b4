import {
  type Http1Handler,
  Http1Server,
  type Http1ServerOptions,
} from "../../machinery/network/http1-server.js";
import { type Connection, ConnectionError, type Listener } from "../../machinery/network/network.js";
import type { Process, Signal } from "./process.js";

export interface HttpService extends Http1ServerOptions {
  ports: readonly number[];
  handler: Http1Handler;
  /** `graceful` finishes the requests under way, `fast` does not. The value is the exit code after it. */
  stopOn: Partial<Record<Signal, { how: "graceful" | "fast"; exitCode: number }>>;
  /** Once the listeners are open. */
  onListening?: () => void;
  /** Says that a port is taken, before exit code 1. Default: as Go programs do. */
  onPortTaken?: (port: number) => Promise<void>;
  onSignal?: (signal: Signal) => void;
  /** Connections without a request for so long, or twice as long at most, are ended. Default: never. */
  idleTimeoutMs?: number;
}

const MOST_CONNECTIONS = 10_000;
const DRAIN_POLL_MS = 5;

/** Listens and serves until a signal stops it; resolves with the exit code. */
export async function runHttpService(process: Process, service: HttpService): Promise<number> {
  const server = new Http1Server(service.handler, service);
  const sweep = idleSweep(process, server, service.idleTimeoutMs);
  const listeners: Listener[] = [];
  for (const port of service.ports) {
    const listener = tryListen(process, port, (connection) => {
      if (server.connectionCount >= MOST_CONNECTIONS) return connection.reset();
      process.background(() => server.serve(connection));
      sweep();
    });
    if (!listener) {
      await (service.onPortTaken ?? goComplaint(process))(port);
      return 1;
    }
    listeners.push(listener);
  }
  service.onListening?.();
  const { how, exitCode } = await firstSignal(process, service);
  for (const listener of listeners) listener.close();
  server.shutdown();
  while (how === "graceful" && server.activeCount > 0) await process.sleep(DRAIN_POLL_MS);
  return exitCode;
}

function tryListen(
  process: Process,
  port: number,
  accept: (connection: Connection) => void,
): Listener | undefined {
  try {
    return process.network.listen(port, accept);
  } catch (err) {
    if (err instanceof ConnectionError && err.reason === "address-in-use") return undefined;
    throw err;
  }
}

const goComplaint =
  (process: Process) =>
  (port: number): Promise<void> =>
    process.stderr.write(`listen tcp :${port}: bind: address already in use\n`);

/** Looks for idle connections while there are connections at all: a server without any costs no timer. */
function idleSweep(process: Process, server: Http1Server, everyMs: number | undefined): () => void {
  let armed = false;
  const arm = (): void => {
    if (armed || everyMs === undefined) return;
    armed = true;
    process.clock.setTimer(everyMs, () => {
      armed = false;
      server.endIdle();
      if (server.connectionCount > 0) arm();
    });
  };
  return arm;
}

function firstSignal(
  process: Process,
  { stopOn, onSignal }: HttpService,
): Promise<{ how: "graceful" | "fast"; exitCode: number }> {
  return new Promise((resolve) => {
    for (const [signal, stop] of Object.entries(stopOn) as [
      Signal,
      { how: "graceful"; exitCode: number },
    ][]) {
      process.onSignal(signal, () => {
        onSignal?.(signal);
        resolve(stop);
      });
    }
  });
}

/** `Sat, 21 Nov 2026 12:00:00 GMT` */
export function toHttpDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  const known = HTTP_DATES.get(second);
  if (known !== undefined) return known;
  if (HTTP_DATES.size >= MOST_DATES) HTTP_DATES.clear();
  const text = new Date(ms).toUTCString();
  HTTP_DATES.set(second, text);
  return text;
}

/** By second: a busy server answers many requests in each. */
const HTTP_DATES = new Map<number, string>();
const MOST_DATES = 64;

/** `21/Nov/2026:12:00:00 +0000`, as in access logs. */
export function toAccessLogTime(ms: number): string {
  const date = toHttpDate(ms);
  if (date !== lastLogged.date) lastLogged = { date, time: accessLogTime(date) };
  return lastLogged.time;
}

let lastLogged = { date: "", time: "" };

function accessLogTime(date: string): string {
  const [, day = "", month = "", year = "", time = ""] = date.split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

/** Path without query, percent-decoded and normalised; undefined when it cannot be decoded or leaves the root. */
export function decodeRequestPath(target: string): string | undefined {
  const path = target.split(/[?#]/, 1)[0] ?? "/";
  try {
    const decoded = decodeURIComponent(path);
    return decoded.startsWith("/") && !decoded.includes("\0") && !decoded.split("/").includes("..")
      ? decoded
      : undefined;
  } catch {
    return undefined; // a broken escape: the caller answers 400
  }
}

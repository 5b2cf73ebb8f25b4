import type { Clock } from "../../machinery/api/clock.js";
import type { Container, HttpGetAction, Probe, ProbeHandler } from "../../machinery/api/core-v1.js";
import type { IntOrString } from "../../machinery/api/meta-v1.js";
import { Deadline } from "../../machinery/client/deadline.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import { type Connection, ConnectionError, type Network } from "../../machinery/network/network.js";
import type { Container as RuntimeContainer } from "../container-runtime.js";
import { collectExec } from "./exec-output.js";
import { httpGet } from "./http-get.js";

export type ProbeOutcome =
  | { kind: "success" }
  | { kind: "failure"; message: string }
  /** The check itself could not be made; counts as a failure. */
  | { kind: "error"; message: string };

export interface ProbeTarget {
  container: Container;
  running: RuntimeContainer;
  podIP: string;
  /** The way to the pods of this node. */
  toPods: Pick<Network, "connect">;
  /** For probes that name another host. */
  nodeNetwork: Network;
  clock: Clock;
}

const SUCCESS: ProbeOutcome = { kind: "success" };

// Upstream: pkg/kubelet/prober/prober.go runProbe and pkg/probe/.
/** One check. Never rejects but for `signal`. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const deadline = new Deadline(target.clock, timeoutMs, signal);
  try {
    return await check(probe, target, timeoutMs, deadline.signal);
  } catch (err) {
    signal.throwIfAborted();
    return { kind: "error", message: err instanceof Error ? err.message : String(err) };
  } finally {
    deadline.clear();
  }
}

function check(
  probe: ProbeHandler,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  if (probe.exec) return execProbe(probe.exec.command ?? [], target, timeoutMs, signal);
  if (probe.httpGet) return httpProbe(probe.httpGet, target, signal);
  if (probe.tcpSocket) return tcpProbe(probe.tcpSocket, target, signal);
  if (probe.grpc) return grpcProbe(probe.grpc.port, target, timeoutMs, signal);
  return Promise.resolve({ kind: "error", message: "missing probe handler for pod" });
}

/** A number, or the name of one of the container's ports. Throws Error. */
export function portNumber(port: IntOrString, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number)) throw new Error(`couldn't find port: "${port}" in container`);
  return number;
}

/** The connection reset when the signal aborts, so that whoever reads it wakes up. */
async function connected<T>(
  target: ProbeTarget,
  host: string | undefined,
  port: number,
  signal: AbortSignal,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const ip = host || target.podIP;
  const network = ip === target.podIP ? target.toPods : target.nodeNetwork;
  const connection = await network.connect({ ip, port }, { signal });
  const onAbort = (): void => connection.reset();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await use(connection);
  } finally {
    signal.removeEventListener("abort", onAbort);
    connection.reset();
  }
}

async function httpProbe(
  action: HttpGetAction,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const port = portNumber(action.port, target.container);
  const authority = formatAddress({ ip: action.host || target.podIP, port });
  const path = `/${(action.path ?? "/").replace(/^\//, "")}`;
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const get = `Get "${scheme}://${authority}${path}"`;
  try {
    // No emulated program speaks TLS.
    if (scheme === "https") throw new Error("http: server gave HTTP response to HTTPS client");
    const status = await connected(target, action.host, port, signal, (connection) =>
      httpGet(connection, { authority, path, headers: action.httpHeaders ?? [] }),
    );
    if (status >= 200 && status < 400) return SUCCESS;
    return { kind: "failure", message: `HTTP probe failed with statuscode: ${status}` };
  } catch (err) {
    if (signal.aborted) {
      const why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
      return { kind: "failure", message: `${get}: ${why}` };
    }
    return { kind: "failure", message: `${get}: ${dialMessage(err, authority)}` };
  }
}

async function tcpProbe(
  action: NonNullable<ProbeHandler["tcpSocket"]>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const port = portNumber(action.port, target.container);
  const authority = formatAddress({ ip: action.host || target.podIP, port });
  try {
    return await connected(target, action.host, port, signal, () => Promise.resolve(SUCCESS));
  } catch (err) {
    const message = signal.aborted ? `dial tcp ${authority}: i/o timeout` : dialMessage(err, authority);
    return { kind: "failure", message };
  }
}

/** No emulated image speaks gRPC: a port that answers at all still fails the health check. */
async function grpcProbe(
  port: number,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const authority = formatAddress({ ip: target.podIP, port });
  try {
    await connected(target, undefined, port, signal, () => Promise.resolve());
    return {
      kind: "failure",
      message: `service unhealthy (responded with "UNKNOWN"): ${authority} does not speak gRPC`,
    };
  } catch {
    const after = `within ${timeoutMs / 1000}s: context deadline exceeded`;
    return { kind: "failure", message: `timeout: failed to connect service "${authority}" ${after}` };
  }
}

async function execProbe(
  command: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const result = await collectExec(target.running, command, signal);
  if (result.kind === "not-started") return { kind: "error", message: result.message };
  if (result.kind === "aborted") {
    return {
      kind: "failure",
      message: `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${timeoutMs / 1000}s`,
    };
  }
  return result.exitCode === 0 ? SUCCESS : { kind: "failure", message: result.output };
}

const CAUSES = {
  refused: "connect: connection refused",
  unreachable: "connect: no route to host",
  "timed-out": "i/o timeout",
  reset: "read: connection reset by peer",
  "address-in-use": "connect: cannot assign requested address",
  aborted: "operation was canceled",
} as const;

/** Go's words for what happened to a dial. */
export function dialMessage(err: unknown, authority: string): string {
  if (err instanceof ConnectionError) return `dial tcp ${authority}: ${CAUSES[err.reason]}`;
  return err instanceof Error ? err.message : String(err);
}

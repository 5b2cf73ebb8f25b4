import type { HostAnswer, HostRequest } from "../chaos/cluster-access.js";
import type { Clock } from "../machinery/api/clock.js";
import { nodeAddresses } from "../kubelet-sim/node/node-config.js";
import { Http1Client } from "../machinery/network/http1-client.js";
import { ConnectionError, type Connection, type SocketAddress } from "../machinery/network/network.js";
import { type DataPlane, HOST_IP } from "../proxy-sim/dataplane/data-plane.js";
import type { DataPlaneProcess } from "./proxy-process.js";

interface Pooled {
  connection: Connection;
  client: Http1Client;
  port: number;
}

const FIRST_PORT = 32_768;
const LAST_PORT = 60_999;
const MOST_IDLE = 64;

/** Programs on the host that call node ports. */
export class HostRequests {
  readonly #clock: Clock;
  readonly #dataPlane: () => DataPlaneProcess | undefined;
  readonly #idle = new Map<number, Pooled[]>();
  #nextPort = FIRST_PORT;

  constructor(clock: Clock, dataPlane: () => DataPlaneProcess | undefined) {
    this.#clock = clock;
    this.#dataPlane = dataPlane;
  }

  /** Never rejects. */
  async send(request: HostRequest): Promise<HostAnswer> {
    const aborted = new AbortController();
    let pooled: Pooled | undefined;
    const timer = this.#clock.setTimer(request.timeoutMs, () => {
      aborted.abort();
      pooled?.connection.reset();
    });
    try {
      pooled = await this.#connection(request, aborted.signal);
      const answer = await this.#exchange(pooled, request);
      return { ...answer, local: `127.0.0.1:${pooled.port}` };
    } catch (err) {
      pooled?.connection.reset();
      return {
        outcome: "failed",
        error: aborted.signal.aborted ? `no answer within ${request.timeoutMs} ms` : describe(err, request),
        local: `127.0.0.1:${pooled?.port ?? portOf(err)}`,
      };
    } finally {
      timer.cancel();
    }
  }

  async #connection({ nodePort, keepAlive }: HostRequest, signal: AbortSignal): Promise<Pooled> {
    const idle = keepAlive ? this.#idle.get(nodePort)?.pop() : undefined;
    if (idle) return idle;
    const port = this.#port();
    const dataPlane = this.#dataPlane()?.dataPlane;
    if (!dataPlane) throw new DialError(port, "refused");
    try {
      const connection = await dialNodePort(dataPlane, { ip: HOST_IP, port }, nodePort, signal);
      return { connection, client: new Http1Client(connection), port };
    } catch (err) {
      throw new DialError(port, err instanceof ConnectionError ? err.reason : "reset");
    }
  }

  async #exchange(pooled: Pooled, request: HostRequest): Promise<HostAnswer> {
    const { method, path, headers, body, keepAlive, bodyBytes = 0 } = request;
    const response = await pooled.client.request({
      method,
      path,
      headers: {
        host: `127.0.0.1:${request.nodePort}`,
        ...headers,
        connection: keepAlive ? "keep-alive" : "close",
      },
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    const chunks: Uint8Array[] = [];
    let kept = 0;
    for await (const chunk of response.body) {
      if (kept < bodyBytes) chunks.push(chunk);
      kept += chunk.length;
    }
    this.#release(pooled, request);
    const text = Buffer.concat(chunks).subarray(0, bodyBytes).toString("utf8");
    return { outcome: "ok", status: response.status, ...(bodyBytes ? { body: text } : {}) };
  }

  #release(pooled: Pooled, { nodePort, keepAlive }: HostRequest): void {
    const idle = this.#idle.get(nodePort) ?? [];
    this.#idle.set(nodePort, idle);
    if (keepAlive && pooled.client.reusable && idle.length < MOST_IDLE) idle.push(pooled);
    else pooled.connection.end();
  }

  #port(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
    return port;
  }
}

/** 127.0.0.1 of the host is the first node. */
async function dialNodePort(
  dataPlane: DataPlane,
  from: SocketAddress,
  nodePort: number,
  signal: AbortSignal,
): Promise<Connection> {
  const [node] = [...dataPlane.router.forwarding.nodes()].sort((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  const to = { ip: node?.internalIP ?? nodeAddresses(1).ip, port: nodePort };
  const { connection } = await dataPlane.open(
    { protocol: "TCP", from, to, ...(node ? { enteredAt: node.nodeName } : {}) },
    signal,
  );
  return connection;
}

class DialError extends Error {
  override readonly name = "DialError";
  readonly port: number;
  constructor(port: number, reason: string) {
    super(reason);
    this.port = port;
  }
}

const portOf = (err: unknown): number => (err instanceof DialError ? err.port : 0);

/** As Node.js says it. */
function describe(err: unknown, { nodePort }: HostRequest): string {
  const at = `127.0.0.1:${nodePort}`;
  if (err instanceof DialError) {
    if (err.message === "refused") return `connect ECONNREFUSED ${at}`;
    if (err.message === "timed-out") return `connect ETIMEDOUT ${at}`;
    return "read ECONNRESET";
  }
  if (err instanceof ConnectionError) return "read ECONNRESET";
  return err instanceof Error ? err.message : String(err);
}

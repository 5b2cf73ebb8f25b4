import { setMaxListeners } from "node:events";
import type { Clock } from "../../machinery/api/clock.js";
import type { MessageStream } from "../../machinery/api/http.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import { type Connection, ConnectionError } from "../../machinery/network/network.js";
import type { Sandbox } from "../container-runtime.js";
import { dialMessage } from "../probes/prober.js";
import { SpdySession } from "./spdy-session.js";
import type { SpdyStream } from "./spdy-stream.js";

/** kubectl's port-forward: SPDY/3.1, which the API server may have taken out of a WebSocket. */
export const PORT_FORWARD_PROTOCOL = "portforward.k8s.io";

/** --stream-creation-timeout: how long one stream of a pair waits for the other. */
const PAIR_TIMEOUT_MS = 30_000;
/** How long one direction may go on after the other has ended (containerd's portForward). */
const HALF_CLOSED_MS = 1000;
const LAST_PORT = 65_535;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
  cancel: () => void;
}

export type PortForwardTarget = Pick<Sandbox, "id" | "networkNamespace" | "network" | "isLive">;

// Upstream: k8s.io/kubelet pkg/cri/streaming/portforward/httpstream.go.
/** Carries connections to the pod's ports until the client leaves. A connection is a pair of streams: data and error. */
export async function portForward(
  wire: MessageStream,
  target: PortForwardTarget,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const running = new Set<Promise<void>>();
  const gone = new AbortController();
  const both = AbortSignal.any([signal, gone.signal]);
  // One listener for each connection, of which a session has as many as it has streams.
  setMaxListeners(0, both);
  const newPair = (id: string): Pair => {
    const timer = clock.setTimer(PAIR_TIMEOUT_MS, () => {
      const { error, data } = pair;
      pairs.delete(id);
      const message = `(conn=${id}, request=${id}) timed out waiting for streams`;
      Promise.all([error && endWith(error, message), data?.end()]).catch(() => {});
    });
    const pair: Pair = { cancel: () => timer.cancel() };
    pairs.set(id, pair);
    return pair;
  };
  const opened = (stream: SpdyStream): void => {
    const id = requestIdOf(stream);
    const pair = pairs.get(id) ?? newPair(id);
    if (isErrorStream(stream.headers)) pair.error = stream;
    else pair.data = stream;
    const { error, data } = pair;
    if (!error || !data) return;
    pair.cancel();
    pairs.delete(id);
    // Fails only where the client is gone, and then there is nobody to tell.
    const forwarding = new Forwarding(error, data, target, clock).run(both).catch(() => {});
    running.add(forwarding);
    forwarding.finally(() => running.delete(forwarding)).catch(() => {});
  };
  const session = new SpdySession(wire, { accepts: isPortForward, opened });
  const close = (): void => wire.close(1001);
  signal.addEventListener("abort", close, { once: true });
  await session.run();
  signal.removeEventListener("abort", close);
  for (const { cancel } of pairs.values()) cancel();
  gone.abort(new Error("the client is gone"));
  await Promise.all(running);
}

const isErrorStream = (headers: ReadonlyMap<string, string>): boolean =>
  headers.get("streamtype") === "error";

function isPortForward(headers: ReadonlyMap<string, string>): boolean {
  const port = headers.get("port") ?? "";
  const type = headers.get("streamtype");
  return (
    /^\d{1,5}$/.test(port) &&
    Number(port) > 0 &&
    Number(port) <= LAST_PORT &&
    (type === "error" || type === "data")
  );
}

/** Clients older than request ids open the error stream right before its data stream. */
function requestIdOf({ id, headers }: SpdyStream): string {
  return headers.get("requestid") ?? String(isErrorStream(headers) ? id : id - 2);
}

async function endWith(stream: SpdyStream, message: string): Promise<void> {
  await stream.write(Buffer.from(message));
  await stream.end();
}

/** One connection to a port of the pod. */
class Forwarding {
  readonly #error: SpdyStream;
  readonly #data: SpdyStream;
  readonly #target: PortForwardTarget;
  readonly #clock: Clock;
  readonly #port: number;

  constructor(error: SpdyStream, data: SpdyStream, target: PortForwardTarget, clock: Clock) {
    this.#error = error;
    this.#data = data;
    this.#target = target;
    this.#clock = clock;
    this.#port = Number(data.headers.get("port"));
  }

  async run(signal: AbortSignal): Promise<void> {
    const failure = await this.#forward(signal);
    try {
      if (failure !== undefined) await this.#error.write(Buffer.from(this.#errorText(failure)));
      await this.#error.end();
      await this.#data.end();
    } finally {
      this.#error.finish();
      this.#data.finish();
    }
  }

  /** Resolves when the connection has ended: with what went wrong, if something did. */
  async #forward(signal: AbortSignal): Promise<string | undefined> {
    const { isLive, id, network, networkNamespace } = this.#target;
    if (!isLive) return `network namespace for sandbox ${JSON.stringify(id)} is closed`;
    const failed = `failed to execute portforward in network namespace ${JSON.stringify(networkNamespace)}`;
    let connection: Connection;
    try {
      connection = await network.connect({ ip: "127.0.0.1", port: this.#port }, { signal });
    } catch (err) {
      return `${failed}: ${this.#refusal(err)}`;
    }
    const reset = (): void => connection.reset();
    signal.addEventListener("abort", reset, { once: true });
    try {
      const lost = await this.#copy(connection);
      return lost === undefined ? undefined : `${failed}: ${lost}`;
    } finally {
      signal.removeEventListener("abort", reset);
      connection.reset();
    }
  }

  async #copy(connection: Connection): Promise<string | undefined> {
    const fromPod = this.#fromPod(connection);
    const toPod = this.#toPod(connection);
    const waiting = new AbortController();
    const over = fromPod
      .then((lost) => (lost === undefined ? this.#clock.sleep(HALF_CLOSED_MS, waiting.signal) : undefined))
      .catch(() => {});
    await Promise.race([Promise.all([fromPod, toPod]), over]);
    waiting.abort();
    return fromPod;
  }

  async #fromPod(connection: Connection): Promise<string | undefined> {
    try {
      for (let bytes = await connection.read(); bytes; bytes = await connection.read())
        await this.#data.write(bytes);
    } catch (err) {
      if (!(err instanceof ConnectionError)) throw err;
      const { local, remote } = connection;
      return `read tcp4 ${formatAddress(local)}->${formatAddress(remote)}: read: connection reset by peer`;
    }
    await this.#data.end();
    return undefined;
  }

  async #toPod(connection: Connection): Promise<void> {
    try {
      for (let bytes = await this.#data.read(); bytes; bytes = await this.#data.read())
        await connection.write(bytes);
      connection.end();
    } catch (err) {
      // The program has closed its side; what the client still sends is for nobody.
      if (!(err instanceof ConnectionError)) throw err;
    }
  }

  #refusal(err: unknown): string {
    const why = dialMessage(err, `127.0.0.1:${this.#port}`).replace("dial tcp ", "dial tcp4 ");
    return `failed to connect to localhost:${this.#port} inside namespace "${this.#target.id}", IPv4: ${why} IPv6 dial tcp6: address localhost: no suitable address`;
  }

  /** The pod is its sandbox here, and without a uid, since the container runtime is who says so. */
  #errorText(failure: string): string {
    return `error forwarding port ${this.#port} to pod ${this.#target.id}, uid : ${failure}`;
  }
}

import { connect, type Socket } from "node:net";
import { socketLocation } from "./carrier-path.js";
import { encodeDatagram } from "./datagram-frames.js";
import type { OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import { parseAnswer, readLine, sessionPreamble, streamPreamble } from "./preamble.js";
import { SocketConnection } from "./socket-connection.js";
import { toConnectionError } from "./system-errors.js";

/** Datagrams that wait for a slow peer, before more are dropped. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** One process' way into another's carrier. Connects when first used, and anew after the other was restarted. */
export class CarrierSession {
  readonly #socketPath: string;
  readonly #token: string;
  #socket: Socket | undefined;
  #port: Promise<number> | undefined;
  #knownPort: number | undefined;

  constructor(socketPath: string, clusterToken: string) {
    this.#socketPath = socketPath;
    this.#token = clusterToken;
  }

  /** Rejects with ConnectionError: what the carrier answered, or `unreachable` when there is none. */
  async dial(from: SocketAddress, to: SocketAddress, signal?: AbortSignal): Promise<SocketConnection> {
    const known = this.#port !== undefined;
    const dialed = await this.#dialOnce(from, to, signal);
    if (dialed) return dialed;
    // The port may be that of an earlier run.
    this.close();
    const again = known ? await this.#dialOnce(from, to, signal) : undefined;
    if (again) return again;
    throw new ConnectionError("unreachable", "the process that carries this address does not answer");
  }

  sendDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    const socket = this.#open();
    if (socket.writableLength < MOST_WAITING_BYTES) socket.write(encodeDatagram(from, to, bytes));
  }

  close(): void {
    this.#socket?.destroy();
    this.#forget();
  }

  /**
   * A stream socket with its preamble under way, for a relay that does not wait for the answer byte. Rejects with
   * ConnectionError `unreachable`. It may be destroyed already, when this process has no descriptor or port left for it.
   */
  async connect(from: SocketAddress, to: SocketAddress): Promise<Socket> {
    const socket = this.#connectTo(this.#knownPort ?? (await this.port()), from, to);
    // It may fail before whoever waits for this can listen.
    return socket.on("error", () => {});
  }

  /** Where the carrier takes streams. Rejects with ConnectionError `unreachable`. */
  port(): Promise<number> {
    this.#open();
    return this.#port ?? Promise.reject(new ConnectionError("unreachable"));
  }

  #connectTo(port: number, from: SocketAddress, to: SocketAddress): Socket {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    // What the client says before the connection stands leaves together with the preamble.
    socket.cork();
    socket.write(streamPreamble(this.#token, from, to), "latin1");
    socket.once("connect", () => socket.uncork());
    return socket;
  }

  /** Undefined when whoever is there gave no answer of ours. */
  async #dialOnce(
    from: SocketAddress,
    to: SocketAddress,
    signal?: AbortSignal,
  ): Promise<SocketConnection | undefined> {
    const port = await this.port().catch(() => undefined);
    if (port === undefined) return undefined;
    if (signal?.aborted) throw new ConnectionError("aborted");
    const socket = this.#connectTo(port, from, to);
    const outcome = await firstAnswer(socket, signal);
    if (outcome === "open") return new SocketConnection(socket, from, to);
    socket.destroy();
    if (outcome) throw new ConnectionError(outcome);
    return undefined;
  }

  #open(): Socket {
    if (this.#socket) return this.#socket;
    const socket = connect({ path: socketLocation(this.#socketPath) });
    this.#socket = socket;
    this.#port = new Promise((resolve, reject) => {
      socket.on("error", (err) => reject(new ConnectionError("unreachable", toConnectionError(err).message)));
      socket.once("close", () => {
        reject(new ConnectionError("unreachable", "the carrier closed the session"));
        if (this.#socket === socket) this.#forget();
      });
      readLine(socket, (line) => {
        this.#knownPort = Number(line);
        resolve(this.#knownPort);
        socket.resume();
      });
    });
    // Datagrams alone do not ask for the port.
    this.#port.catch(() => {});
    socket.write(sessionPreamble(this.#token), "latin1");
    socket.unref();
    return socket;
  }

  #forget(): void {
    this.#socket = undefined;
    this.#port = undefined;
    this.#knownPort = undefined;
  }
}

function firstAnswer(socket: Socket, signal?: AbortSignal): Promise<ReturnType<typeof parseAnswer>> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.destroy();
      reject(new ConnectionError("aborted"));
    };
    const settle = (outcome: ReturnType<typeof parseAnswer>): void => {
      signal?.removeEventListener("abort", abort);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd);
      resolve(outcome);
    };
    const onEnd = (): void => settle(undefined);
    const onData = (chunk: Buffer): void => {
      socket.pause();
      settle(parseAnswer(chunk[0]));
      if (chunk.length > 1) socket.unshift(chunk.subarray(1));
    };
    socket.on("error", () => {});
    socket.on("data", onData).once("end", onEnd).once("close", onEnd);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Sessions to every carrier that this process talks to, by socket path. */
export class CarrierSessions {
  readonly #token: string;
  readonly #byPath = new Map<string, CarrierSession>();

  constructor(clusterToken: string) {
    this.#token = clusterToken;
  }

  to(socketPath: string): CarrierSession {
    let session = this.#byPath.get(socketPath);
    if (!session) {
      session = new CarrierSession(socketPath, this.#token);
      this.#byPath.set(socketPath, session);
    }
    return session;
  }

  dial(
    carrier: string,
    from: SocketAddress,
    to: SocketAddress,
    signal?: AbortSignal,
  ): Promise<OwnedConnection> {
    return this.to(carrier).dial(from, to, signal);
  }

  close(): void {
    for (const session of this.#byPath.values()) session.close();
    this.#byPath.clear();
  }
}

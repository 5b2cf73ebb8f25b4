import type { Clock, Timer } from "../api/clock.js";
import type { Connection, SocketAddress } from "../network/network.js";

/** What a client may keep waiting for how long: nginx's keepalive_timeout, client_body_timeout, send_timeout. */
const IDLE_MS = 75_000;
const BODY_MS = 60_000;
const SEND_MS = 60_000;
const SWEEP_MS = 5_000;

/** A client's connection, with what is needed to end it when the client is too slow. */
export class ClientConnection implements Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly closed: Promise<void>;
  /** Called when the client is gone before its answer was complete. */
  onGone: (() => void) | undefined;
  readonly #inner: Connection;
  readonly #clock: Clock;
  #busy = false;
  #quietSinceMs: number;
  #readingSinceMs: number | undefined;
  #writingSinceMs: number | undefined;
  #ended = false;
  #isTunnel = false;

  constructor(inner: Connection, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    this.local = inner.local;
    this.remote = inner.remote;
    this.closed = inner.closed;
    this.#quietSinceMs = clock.monotonicMs();
    void inner.closed.then(() => this.onGone?.());
  }

  /** A request has come whole up to its body; `answered` is when its answer has left. */
  begin(): void {
    this.#busy = true;
  }

  answered(): void {
    this.#busy = false;
    this.onGone = undefined;
    this.#quietSinceMs = this.#clock.monotonicMs();
  }

  /** From now on the connection belongs to a tunnel, which has a timer of its own. */
  becomeTunnel(): void {
    this.#isTunnel = true;
  }

  async read(): Promise<Uint8Array | undefined> {
    this.#readingSinceMs = this.#clock.monotonicMs();
    try {
      return await this.#inner.read();
    } finally {
      this.#readingSinceMs = undefined;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#writingSinceMs = this.#clock.monotonicMs();
    try {
      await this.#inner.write(bytes);
    } finally {
      this.#writingSinceMs = undefined;
    }
  }

  end(): void {
    this.#inner.end();
  }

  reset(): void {
    this.#inner.reset();
  }

  /** Ends the connection if it has been waited for too long. */
  endIfStuck(): void {
    if (this.#isTunnel) return;
    const nowMs = this.#clock.monotonicMs();
    const isOver = (sinceMs: number | undefined, limitMs: number): boolean =>
      sinceMs !== undefined && nowMs - sinceMs > limitMs;
    if (this.#busy) {
      if (isOver(this.#writingSinceMs, SEND_MS) || isOver(this.#readingSinceMs, BODY_MS)) this.reset();
    } else if (isOver(this.#quietSinceMs, IDLE_MS)) {
      if (this.#ended) this.reset();
      else this.end();
      this.#ended = true;
    }
  }
}

/** The open connections of a server; looks for stuck ones while there are any. */
export class ClientConnections {
  readonly #clock: Clock;
  readonly #open = new Set<ClientConnection>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  add(inner: Connection): ClientConnection {
    const connection = new ClientConnection(inner, this.#clock);
    this.#open.add(connection);
    void connection.closed.then(() => {
      this.#open.delete(connection);
      if (this.#open.size === 0) this.stop();
    });
    this.#timer ??= this.#clock.setTimer(SWEEP_MS, () => this.#sweep());
    return connection;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweep(): void {
    for (const connection of this.#open) connection.endIfStuck();
    this.#timer = this.#open.size > 0 ? this.#clock.setTimer(SWEEP_MS, () => this.#sweep()) : undefined;
  }
}

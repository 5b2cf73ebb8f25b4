import type { Clock, Timer } from "../api/clock.js";
import { Http1Client } from "../network/http1-client.js";
import type { Connection, Network, SocketAddress } from "../network/network.js";

/** A connection to a backend, for one request at a time. */
export interface UpstreamConnection {
  key: string;
  connection: Connection;
  client: Http1Client;
  requests: number;
  idleSinceMs: number;
  /** In the pool, for whoever comes first. */
  idle: boolean;
}

export interface DialRequest extends SocketAddress {
  timeoutMs: number;
  /** Speaks TLS to the backend, and takes whatever certificate it shows. */
  secure?: (connection: Connection) => Promise<Connection>;
}

/** ingress-nginx: upstream-keepalive-connections, -timeout and -requests. */
const MOST_IDLE = 320;
const IDLE_MS = 60_000;
const MOST_REQUESTS = 10_000;
const SWEEP_MS = 10_000;

/** Keeps connections to backends open between requests. One that its backend ends leaves the pool at once. */
export class UpstreamPool {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #idle = new Map<string, UpstreamConnection[]>();
  #idleCount = 0;
  #sweep: Timer | undefined;
  #closed = false;

  constructor(network: Network, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  get idleCount(): number {
    return this.#idleCount;
  }

  /** The one used last, if there is one. */
  takeIdle(to: DialRequest): UpstreamConnection | undefined {
    const found = this.#idle.get(keyOf(to))?.at(-1);
    if (found) this.#remove(found);
    return found;
  }

  /** Rejects with ConnectionError. */
  async dial(to: DialRequest): Promise<UpstreamConnection> {
    const { ip, port, timeoutMs, secure } = to;
    const plain = await this.#network.connect({ ip, port }, { timeoutMs });
    const connection = secure ? await secure(plain) : plain;
    return {
      key: keyOf(to),
      connection,
      client: new Http1Client(connection),
      requests: 0,
      idleSinceMs: 0,
      idle: false,
    };
  }

  /** Back to the pool when another request can follow, else ended. */
  release(used: UpstreamConnection): void {
    used.requests += 1;
    if (this.#closed || !used.client.reusable || used.requests >= MOST_REQUESTS) {
      used.connection.end();
      return;
    }
    if (this.#idleCount >= MOST_IDLE) this.#endOldest();
    used.idle = true;
    used.idleSinceMs = this.#clock.monotonicMs();
    const list = this.#idle.get(used.key);
    if (list) list.push(used);
    else this.#idle.set(used.key, [used]);
    this.#idleCount += 1;
    void used.client.idleEnd().then(() => this.#drop(used));
    this.#sweep ??= this.#clock.setTimer(SWEEP_MS, () => this.#endIdle());
  }

  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const used of [...this.#idle.values()].flat()) this.#drop(used);
  }

  #drop(used: UpstreamConnection): void {
    if (!used.idle) return;
    this.#remove(used);
    used.connection.end();
  }

  #remove(used: UpstreamConnection): void {
    used.idle = false;
    this.#idleCount -= 1;
    const left = (this.#idle.get(used.key) ?? []).filter((each) => each !== used);
    if (left.length > 0) this.#idle.set(used.key, left);
    else this.#idle.delete(used.key);
  }

  #endOldest(): void {
    let oldest: UpstreamConnection | undefined;
    for (const [first] of this.#idle.values())
      if (first && (!oldest || first.idleSinceMs < oldest.idleSinceMs)) oldest = first;
    if (oldest) this.#drop(oldest);
  }

  #endIdle(): void {
    this.#sweep = undefined;
    const beforeMs = this.#clock.monotonicMs() - IDLE_MS;
    for (const used of [...this.#idle.values()].flat()) if (used.idleSinceMs <= beforeMs) this.#drop(used);
    if (this.#idleCount > 0) this.#sweep = this.#clock.setTimer(SWEEP_MS, () => this.#endIdle());
  }
}

const keyOf = ({ ip, port, secure }: DialRequest): string => `${secure ? "https" : "http"} ${ip} ${port}`;

import type { Clock } from "../api/clock.js";
import { connectionPair, type Latency, type OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import type { Inbound } from "./uplink.js";

/** Linux sends a SYN seven times in all before it gives up: after 1, 2, 4 … 64 seconds. */
const FIRST_SYN_RETRY_MS = 1000;
const MOST_SYN_RETRIES = 6;

/** Carriers of one process: named networks that reach each other through memory, every packet with its latency. */
export class MemoryCarriers {
  readonly #clock: Clock;
  readonly #latency: Latency;
  readonly #networks = new Map<string, Inbound>();

  constructor(options: { clock: Clock; latency: Latency }) {
    this.#clock = options.clock;
    this.#latency = options.latency;
  }

  register(carrier: string, network: Inbound): void {
    this.#networks.set(carrier, network);
  }

  unregister(carrier: string): void {
    this.#networks.delete(carrier);
  }

  /** `ends` are what each side sees. Rejects with ConnectionError. */
  async dial(
    carrier: string,
    near: { local: SocketAddress; remote: SocketAddress },
    far: { local: SocketAddress; remote: SocketAddress },
    links: { forth?: Latency; back?: Latency } = {},
    signal?: AbortSignal,
  ): Promise<OwnedConnection> {
    const forth = added(this.#latency, links.forth);
    const back = added(this.#latency, links.back);
    await this.#handshakePacket(forth, signal);
    const [nearEnd, farEnd] = connectionPair({ clock: this.#clock, near, far, forth, back });
    const outcome =
      this.#networks.get(carrier)?.acceptConnection(far.remote, far.local, () => farEnd) ?? "unreachable";
    await this.#handshakePacket(back, signal);
    if (outcome !== "open") throw new ConnectionError(outcome);
    return nearEnd;
  }

  sendDatagram(
    carrier: string,
    from: SocketAddress,
    to: SocketAddress,
    bytes: Uint8Array,
    link?: Latency,
  ): void {
    const latencyMs = added(this.#latency, link)();
    if (latencyMs === Number.POSITIVE_INFINITY) return;
    const arrive = (): void => this.#networks.get(carrier)?.acceptDatagram(from, to, bytes);
    if (latencyMs <= 0) queueMicrotask(arrive);
    else this.#clock.setTimer(latencyMs, arrive);
  }

  async #handshakePacket(latency: Latency, signal?: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const latencyMs = latency();
      if (latencyMs <= 0) return;
      if (latencyMs !== Number.POSITIVE_INFINITY) return this.#clock.sleep(latencyMs, signal);
      await this.#clock.sleep(FIRST_SYN_RETRY_MS * 2 ** attempt, signal);
      if (attempt >= MOST_SYN_RETRIES) throw new ConnectionError("timed-out", "connection timed out");
    }
  }
}

const added = (base: Latency, link: Latency | undefined): Latency => (link ? () => base() + link() : base);

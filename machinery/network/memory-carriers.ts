import type { Clock } from "../api/clock.js";
import { handshakePacket } from "./handshake.js";
import { connectionPair, type Latency, type OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import type { Inbound } from "./uplink.js";

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
    await handshakePacket(this.#clock, forth, signal);
    const [nearEnd, farEnd] = connectionPair({ clock: this.#clock, near, far, forth, back });
    const outcome =
      this.#networks.get(carrier)?.acceptConnection(far.remote, far.local, () => farEnd) ?? "unreachable";
    await handshakePacket(this.#clock, back, signal);
    if (outcome !== "open") throw new ConnectionError(outcome);
    return nearEnd;
  }

  sendDatagram(
    carrier: string,
    from: SocketAddress,
    to: SocketAddress,
    bytes: Uint8Array,
    copies: readonly number[] = [0],
  ): void {
    const arrive = (): void => this.#networks.get(carrier)?.acceptDatagram(from, to, bytes);
    for (const linkMs of copies) {
      const latencyMs = this.#latency(bytes.length) + linkMs;
      if (latencyMs <= 0) queueMicrotask(arrive);
      else this.#clock.setTimer(latencyMs, arrive);
    }
  }
}

const added = (base: Latency, link: Latency | undefined): Latency =>
  link ? (bytes) => base(bytes) + link(bytes) : base;

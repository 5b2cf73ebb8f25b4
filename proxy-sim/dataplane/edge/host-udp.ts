import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Clock } from "../../../machinery/api/clock.js";
import { formatAddress } from "../../../machinery/network/addresses.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import type { HostDatagrams, HostExchange } from "../host-datagrams.js";

const IDLE_MS = 60_000;
const SWEEP_MS = 30_000;
const MOST_CLIENTS = 4096;

interface Client {
  exchange: HostExchange;
  lastSeenMs: number;
}

/** A UDP port of this machine that leads to an address of the cluster. */
export class HostUdpPort {
  #socket: Socket;
  readonly #clients = new Map<string, Client>();
  readonly #options: {
    clock: Clock;
    datagrams: HostDatagrams;
    to: SocketAddress;
    enteredAt?: string;
  };
  readonly #stopping = new AbortController();

  constructor(options: { clock: Clock; datagrams: HostDatagrams; to: SocketAddress; enteredAt?: string }) {
    this.#options = options;
    this.#socket = createSocket("udp4");
  }

  /** Rejects with the system's error when the port is taken. */
  async bind({ ip, port }: SocketAddress): Promise<SocketAddress> {
    if (isIPv6(ip)) {
      this.#socket.close();
      this.#socket = createSocket({ type: "udp6", ipv6Only: true });
    }
    this.#socket.on("message", (bytes, peer) => this.#receive(bytes, peer));
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind({ address: ip, port }, () => {
        this.#socket.off("error", reject);
        this.#socket.on("error", () => {});
        resolve();
      });
    });
    // Ends when the port is closed.
    void this.#sweep();
    return { ip, port: this.#socket.address().port };
  }

  close(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#socket.close();
    for (const { exchange } of this.#clients.values()) exchange.close();
    this.#clients.clear();
  }

  #receive(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const key = formatAddress({ ip: address, port });
    const client = this.#clients.get(key) ?? this.#admit(key, address, port);
    if (!client) return;
    client.lastSeenMs = this.#options.clock.monotonicMs();
    client.exchange.send(bytes);
  }

  #admit(key: string, address: string, port: number): Client | undefined {
    if (this.#clients.size >= MOST_CLIENTS) return undefined;
    const { datagrams, to, enteredAt } = this.#options;
    const answer = (bytes: Uint8Array): void => {
      if (!this.#stopping.signal.aborted) this.#socket.send(bytes, port, address);
    };
    const client: Client = { exchange: datagrams.open(to, answer, enteredAt), lastSeenMs: 0 };
    this.#clients.set(key, client);
    return client;
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(SWEEP_MS, this.#stopping.signal).catch(() => {});
      const idleSince = clock.monotonicMs() - IDLE_MS;
      for (const [key, { exchange, lastSeenMs }] of this.#clients) {
        if (lastSeenMs > idleSince) continue;
        exchange.close();
        this.#clients.delete(key);
      }
    }
  }
}

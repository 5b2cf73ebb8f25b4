import type { Datagram, SocketAddress, UdpSocket } from "./network.js";

const MOST_WAITING = 256;

/** A bound UDP port of a host. */
export class HostUdpSocket implements UdpSocket {
  readonly address: SocketAddress;
  readonly #transmit: (to: SocketAddress, bytes: Uint8Array) => void;
  readonly #onClose: () => void;
  readonly #waiting: Datagram[] = [];
  #receivers: ((datagram: Datagram | undefined) => void)[] = [];
  #closed = false;

  constructor(
    address: SocketAddress,
    transmit: (to: SocketAddress, bytes: Uint8Array) => void,
    onClose: () => void,
  ) {
    this.address = address;
    this.#transmit = transmit;
    this.#onClose = onClose;
  }

  send(to: SocketAddress, bytes: Uint8Array): void {
    if (!this.#closed) this.#transmit(to, bytes);
  }

  receive(): Promise<Datagram | undefined> {
    const next = this.#waiting.shift();
    if (next || this.#closed) return Promise.resolve(next);
    return new Promise((resolve) => this.#receivers.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    for (const receiver of this.#receivers.splice(0)) receiver(undefined);
  }

  /** A datagram has arrived; with a full queue it is lost. */
  arrive(datagram: Datagram): void {
    if (this.#closed) return;
    const receiver = this.#receivers.shift();
    if (receiver) receiver(datagram);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(datagram);
  }
}

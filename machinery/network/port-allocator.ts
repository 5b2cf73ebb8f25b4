import type { Rng } from "../api/rng.js";
import { ConnectionError } from "./network.js";

const FIRST_EPHEMERAL = 32_768;
const LAST_EPHEMERAL = 60_999;

/** The ephemeral ports of one host and protocol, handed out in turn from a random start, as Linux does by default. */
export class PortAllocator {
  readonly #used = new Set<number>();
  #next: number;

  constructor(rng: Rng) {
    this.#next = rng.int(FIRST_EPHEMERAL, LAST_EPHEMERAL);
  }

  /** Throws ConnectionError `address-in-use` when every port is taken. */
  take(isTaken: (port: number) => boolean): number {
    for (let tries = 0; tries <= LAST_EPHEMERAL - FIRST_EPHEMERAL; tries++) {
      const port = this.#next;
      this.#next = port === LAST_EPHEMERAL ? FIRST_EPHEMERAL : port + 1;
      if (this.#used.has(port) || isTaken(port)) continue;
      this.#used.add(port);
      return port;
    }
    throw new ConnectionError("address-in-use", "no free ephemeral port");
  }

  release(port: number): void {
    this.#used.delete(port);
  }
}

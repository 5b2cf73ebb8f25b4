import type { Rng } from "../../machinery/api/rng.js";
import { type OpenFile, ProcessEnded } from "../images/process.js";

type Tick = () => Promise<void> | undefined;

/** /dev/null, /dev/zero, /dev/full and /dev/urandom. Endless reads and writes let time pass through `tick`. */
export class Device implements OpenFile {
  readonly #fill: ((bytes: Uint8Array) => void) | undefined;
  readonly #tick: Tick;
  #closed = false;

  constructor(fill: ((bytes: Uint8Array) => void) | undefined, tick: Tick) {
    this.#fill = fill;
    this.#tick = tick;
  }

  async read(limit: number = 4096): Promise<Uint8Array | undefined> {
    if (this.#closed) throw new ProcessEnded();
    if (!this.#fill) return undefined;
    await this.#tick();
    const bytes = new Uint8Array(Math.min(limit, 4096));
    this.#fill(bytes);
    return bytes;
  }

  unread(): void {}

  async write(): Promise<void> {
    if (this.#closed) throw new ProcessEnded();
    await this.#tick();
  }

  dup(): OpenFile {
    return new Device(this.#fill, this.#tick);
  }

  close(): void {
    this.#closed = true;
  }
}

export function openDevice(path: string, rng: () => Rng, tick: Tick): OpenFile | undefined {
  switch (path) {
    case "/dev/null":
      return new Device(undefined, tick);
    case "/dev/zero":
      return new Device(() => {}, tick);
    case "/dev/random":
    case "/dev/urandom": {
      const source = rng();
      return new Device((bytes) => {
        for (let i = 0; i < bytes.length; i++) bytes[i] = source.int(0, 255);
      }, tick);
    }
    default:
      return undefined;
  }
}

import type { Clock } from "../api/clock.js";

/** A program began to listen on a TCP port, or nobody listens there any more. */
export interface PortChange {
  atMs: number;
  ip: string;
  port: number;
  open: boolean;
}

const MOST_CHANGES = 10_000;

/** The last changes of what the hosts of one process listen on, oldest first. */
export class PortLog {
  readonly #clock: Clock;
  #changes: PortChange[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(ip: string, port: number, open: boolean): void {
    this.#changes.push({ atMs: this.#clock.nowMs(), ip, port, open });
    if (this.#changes.length > MOST_CHANGES * 2) this.#changes = this.#changes.slice(-MOST_CHANGES);
  }

  list(): readonly PortChange[] {
    return this.#changes.slice(-MOST_CHANGES);
  }
}

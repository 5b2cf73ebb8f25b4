import type { Clock } from "../../machinery/api/clock.js";

/** A pod became ready, or stopped being so, on its node: the cause of what Services do next. */
export interface ReadinessChange {
  /** `namespace/name` */
  pod: string;
  ready: boolean;
  atMs: number;
}

const MOST_CHANGES = 5000;

/** The last changes of readiness of all pods of this process, oldest first. */
export class ReadinessLog {
  readonly #clock: Clock;
  readonly #ready = new Set<string>();
  #changes: ReadinessChange[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes it when it is news. */
  note(pod: string, ready: boolean): void {
    if (this.#ready.has(pod) === ready) return;
    if (ready) this.#ready.add(pod);
    else this.#ready.delete(pod);
    this.#changes.push({ pod, ready, atMs: this.#clock.nowMs() });
    if (this.#changes.length > MOST_CHANGES * 2) this.#changes = this.#changes.slice(-MOST_CHANGES);
  }

  list(): readonly ReadinessChange[] {
    return this.#changes.slice(-MOST_CHANGES);
  }
}

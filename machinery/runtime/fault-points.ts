import type { Clock, Timer } from "../api/clock.js";
import type { AdminHandlers } from "./admin-server.js";

/** A fault that a component holds: ends at `endsAtMs` (wall time), or earlier when it is healed. */
export interface FaultLease {
  /** Unique among the leases of a cluster. */
  id: string;
  /** Name of a fault point of the component. */
  point: string;
  parameters: Readonly<Record<string, unknown>>;
  endsAtMs: number;
}

/**
 * A place where a component can be broken. `inject` takes effect at once and answers with what undoes exactly that.
 * Throws RangeError for parameters it cannot use, and then nothing has changed.
 */
export interface FaultPoint {
  name: string;
  summary: string;
  inject(parameters: Readonly<Record<string, unknown>>): () => void;
}

interface Held {
  lease: FaultLease;
  undo: () => void;
  timer: Timer;
  ended: Promise<void>;
  end: () => void;
}

/** The fault points of one component and the leases on them. Nothing can be injected unless `enabled`. */
export class FaultPoints {
  readonly #clock: Clock;
  readonly #enabled: boolean;
  readonly #points = new Map<string, FaultPoint>();
  readonly #held = new Map<string, Held>();

  constructor(options: { clock: Clock; enabled: boolean }) {
    this.#clock = options.clock;
    this.#enabled = options.enabled;
  }

  define(point: FaultPoint): void {
    if (this.#points.has(point.name)) throw new RangeError(`fault point "${point.name}" is defined twice`);
    this.#points.set(point.name, point);
  }

  /** Throws RangeError when faults are off, the point is unknown, its parameters are wrong, or the id is held already. */
  inject(lease: FaultLease): void {
    if (!this.#enabled) throw new RangeError("faults are off: start the cluster with --chaos");
    const point = this.#points.get(lease.point);
    if (!point) throw new RangeError(`unknown fault point "${lease.point}"`);
    if (this.#held.has(lease.id)) throw new RangeError(`fault "${lease.id}" is held already`);
    const leftMs = lease.endsAtMs - this.#clock.nowMs();
    if (!(leftMs > 0)) throw new RangeError("the lease has ended before it began");
    const undo = point.inject(lease.parameters);
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = this.#clock.setTimer(leftMs, () => this.heal(lease.id));
    this.#held.set(lease.id, { lease, undo, timer, ended, end });
  }

  /** Ends a lease; one that is not held, or no longer, is no error. */
  heal(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    held.timer.cancel();
    held.undo();
    held.end();
  }

  get held(): FaultLease[] {
    return [...this.#held.values()].map(({ lease }) => lease);
  }

  /**
   * Injects, tells so, and holds until the lease ends or the signal aborts: the caller's connection is the lease. Throws as
   * `inject` does, before there is anything to read.
   */
  hold(lease: FaultLease, signal: AbortSignal): AsyncGenerator<{ injected: string }> {
    this.inject(lease);
    return this.#untilEnded(lease, signal);
  }

  async *#untilEnded(lease: FaultLease, signal: AbortSignal): AsyncGenerator<{ injected: string }> {
    const heal = (): void => this.heal(lease.id);
    signal.addEventListener("abort", heal, { once: true });
    const ended = this.#held.get(lease.id)?.ended;
    try {
      yield { injected: lease.id };
      await ended;
    } finally {
      signal.removeEventListener("abort", heal);
      heal();
    }
  }

  /** What a component's admin socket offers. */
  handlers(): AdminHandlers {
    return {
      "GET /faults": () => ({
        enabled: this.#enabled,
        points: [...this.#points.values()].map(({ name, summary }) => ({ name, summary })),
        held: this.held,
      }),
      "GET /faults/lease": ({ query, signal }) =>
        this.hold(JSON.parse(query.get("lease") ?? "{}") as FaultLease, signal),
      "DELETE /faults": ({ query }) => this.heal(query.get("id") ?? ""),
    };
  }
}

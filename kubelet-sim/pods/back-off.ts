export interface BackOffLimits {
  initialMs: number;
  maxMs: number;
}

/** Kubelet defaults for crashing containers and for image pulls: 10 s doubling to 5 min. */
export const KUBELET_BACK_OFF: BackOffLimits = { initialMs: 10_000, maxMs: 300_000 };

interface Entry {
  delayMs: number;
  updatedAtMs: number;
}

// Upstream: client-go util/flowcontrol Backoff.
/** Delays by key. An entry that was quiet for twice the largest delay starts over. */
export class BackOff {
  readonly #limits: BackOffLimits;
  readonly #entries = new Map<string, Entry>();

  constructor(limits: BackOffLimits = KUBELET_BACK_OFF) {
    this.#limits = limits;
  }

  /** The delay now in force for `key`, 0 when there is none. */
  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Milliseconds still to wait when the last failure was at `sinceMs`; 0 when the next try may start. */
  remainingMs(key: string, sinceMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, sinceMs)) return 0;
    return Math.max(0, sinceMs + entry.delayMs - nowMs);
  }

  /** A try starts after a failure at `eventMs`: the next one will have to wait longer. */
  next(key: string, eventMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs =
      !entry || this.#expired(entry, eventMs)
        ? this.#limits.initialMs
        : Math.min(entry.delayMs * 2, this.#limits.maxMs);
    this.#entries.set(key, { delayMs, updatedAtMs: nowMs });
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  #expired(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.updatedAtMs > this.#limits.maxMs * 2;
  }
}

/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a component sees it. Live it is the machine's clock; simulated it moves only when every microtask is done.
 * All durations are milliseconds.
 */
export interface Clock {
  /** Wall time: milliseconds since the Unix epoch. May jump when a skew fault acts. */
  nowMs(): number;
  /** Never goes back; for durations. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs` (0 is the next timer turn, never synchronously). A throw ends the process. */
  setTimer(delayMs: number, fire: () => void): Timer;
  /** Resolves after `delayMs`; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A clock over the same master, `offsetMs` ahead and running `1 + drift` times as fast. */
  view(skew: ClockSkew): Clock;
}

export interface ClockSkew {
  offsetMs: number;
  /** 0.01 gains ten milliseconds a second. Default 0. */
  drift?: number;
}

/** RFC 3339 with whole seconds, the wire form of metav1.Time. */
export const toTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** RFC 3339 with microseconds, the wire form of metav1.MicroTime. */
export const toMicroTime = (ms: number): string => {
  const iso = new Date(Math.floor(ms)).toISOString();
  const micros = Math.round((ms - Math.floor(ms)) * 1000) % 1000;
  return `${iso.slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
};

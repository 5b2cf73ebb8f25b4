import type { Clock } from "../machinery/api/clock.js";

/**
 * Holds a fault until its end, or until whoever asked for it is gone: the answer is a stream, and its connection is the
 * lease. `endsAtMs` is wall time.
 */
export async function* holdLease(
  clock: Clock,
  endsAtMs: number,
  signal: AbortSignal,
  fault: { inject(): void; heal(): void },
): AsyncGenerator<{ heldUntilMs: number }> {
  fault.inject();
  try {
    yield { heldUntilMs: endsAtMs };
    await clock.sleep(Math.max(0, endsAtMs - clock.nowMs()), signal).catch(() => {});
  } finally {
    fault.heal();
  }
}

export interface LeaseRequest {
  /** The fault, as the plain call takes it. */
  fault: Record<string, unknown>;
  endsAtMs: number;
}

/** `?fault=<JSON>&endsAtMs=<ms>`. Throws RangeError when the end is missing. */
export function parseLease(query: URLSearchParams): LeaseRequest {
  const endsAtMs = Number(query.get("endsAtMs") ?? Number.NaN);
  if (!Number.isFinite(endsAtMs)) throw new RangeError("a lease needs endsAtMs");
  return { fault: JSON.parse(query.get("fault") ?? "{}") as Record<string, unknown>, endsAtMs };
}

import type { Rng } from "../machinery/api/rng.js";

/** How long one message takes, drawn anew for each. */
export interface LatencyRange {
  minMs: number;
  maxMs: number;
}

export const drawLatency = (rng: Rng, { minMs, maxMs }: LatencyRange): (() => number) =>
  minMs === maxMs ? () => minMs : () => minMs + (maxMs - minMs) * rng.next();

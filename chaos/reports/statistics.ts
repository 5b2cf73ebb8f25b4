/** The nearest rank of sorted values; 0 of none. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? 0;

export const ascending = (values: Iterable<number>): number[] => [...values].sort((a, b) => a - b);

/** `8.25 ms`, `120 ms`, `3.2 s`. */
export function shownMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

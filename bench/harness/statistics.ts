import type { Sample } from "./benchmark.js";

/** 0 for no values at all. `share` from 0 to 1; nearest rank. */
export function quantile(values: Sample, share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[rank] ?? 0;
}

export function median(values: Sample): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

export interface Variant<Name extends string> {
  name: Name;
  run(round: number): Promise<number>;
}

/**
 * Measures every variant once in each round, one after another, so that a slow spell of the machine falls on all of them.
 * Each round starts with another variant.
 */
export async function interleave<Name extends string>(
  variants: readonly Variant<Name>[],
  rounds: number,
  signal: AbortSignal,
): Promise<Record<Name, Sample>> {
  const samples = Object.fromEntries(variants.map(({ name }) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < variants.length; i++) {
      signal.throwIfAborted();
      const variant = variants[(round + i) % variants.length];
      if (variant) samples[variant.name].push(await variant.run(round));
    }
  }
  return samples;
}

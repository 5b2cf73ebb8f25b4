import type { Target } from "../jobs/raw-client.js";
import type { RequestsResult } from "../jobs/requests.js";
import type { Sample } from "./benchmark.js";
import { rateOf } from "./rate.js";
import { interleave } from "./statistics.js";

/** Everything that is asked, by what the report calls it. */
export type Ways = Readonly<Record<string, Target>>;

export const without = (ways: Ways, names: readonly string[]): Ways =>
  Object.fromEntries(Object.entries(ways).filter(([name]) => !names.includes(name)));

/** One for each round, by way. */
export type Results = Readonly<Record<string, readonly RequestsResult[]>>;

/** Every way in each round, one after another. */
export async function inTurns(
  ways: Ways,
  rounds: number,
  signal: AbortSignal,
  ask: (target: Target) => Promise<RequestsResult>,
): Promise<Results> {
  const results: Record<string, RequestsResult[]> = {};
  const variants = Object.entries(ways).map(([name, target]) => ({
    name,
    run: async () => {
      const result = await ask(target);
      (results[name] ??= []).push(result);
      return rateOf(result);
    },
  }));
  await interleave<string>(variants, rounds, signal);
  return results;
}

export const sampleOf = (results: Results, way: string, of: (result: RequestsResult) => number): Sample =>
  (results[way] ?? []).map(of);

import type { Benchmark, Measure } from "./benchmark.js";
import type { Outcome } from "./report.js";
import { Scope } from "./scope.js";

/** Runs one benchmark within its limit and ends all that it started. Never rejects: what fails is told in the outcome. */
export async function runBenchmark(
  benchmark: Benchmark,
  options: { quick: boolean; signal: AbortSignal; progress: (step: string) => void },
): Promise<Outcome> {
  const { quick, progress } = options;
  const scope = new Scope();
  const limitMs = benchmark.limitMs[quick ? "quick" : "full"];
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`it was not done after ${limitMs / 1000} s`)),
    limitMs,
  );
  const signal = AbortSignal.any([options.signal, limit.signal]);
  const startedMs = performance.now();
  let measures: readonly Measure[] = [];
  let failure: string | undefined;
  try {
    const run = benchmark.run({ quick, scope, signal, progress });
    measures = await Promise.race([run, aborted(signal)]);
  } catch (err) {
    failure = err instanceof Error ? err.message : String(err);
  } finally {
    clearTimeout(timer);
    limit.abort(new Error("it is over"));
    await scope.close();
  }
  const { name, title } = benchmark;
  const seconds = (performance.now() - startedMs) / 1000;
  return { benchmark: name, title, seconds, measures, ...(failure === undefined ? {} : { failure }) };
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });

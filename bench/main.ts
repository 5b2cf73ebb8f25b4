import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchmarks } from "./benchmarks.js";
import { jsonOf, type Outcome, tableOf } from "./harness/report.js";
import { runBenchmark } from "./harness/run-benchmark.js";
import { parseBenchOptions } from "./options.js";

const RESULTS = fileURLToPath(new URL("../../bench/results", import.meta.url));

const options = parseBenchOptions(process.argv.slice(2), RESULTS);
const stopping = new AbortController();
const stop = (): void => stopping.abort(new Error("interrupted"));
process.on("SIGINT", stop);
process.on("SIGTERM", stop);

const { only } = options;
const known = benchmarks.map(({ name }) => name);
const unknown = (only ?? []).filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`bench: no such benchmark: ${unknown.join(", ")}; there are ${known.join(", ")}\n`);
  process.exit(2);
}

const progress = (step: string): void => {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${step}` : `${step}\n`);
};
const startedAt = new Date();
const outcomes: Outcome[] = [];
for (const benchmark of benchmarks.filter(({ name }) => !only || only.includes(name))) {
  if (stopping.signal.aborted) break;
  progress(benchmark.name);
  outcomes.push(
    await runBenchmark(benchmark, {
      quick: options.quick,
      signal: stopping.signal,
      progress: (step) => progress(`${benchmark.name}: ${step}`),
    }),
  );
}
if (process.stderr.isTTY) progress("");

const seconds = (Date.now() - startedAt.getTime()) / 1000;
const machine = { node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model.trim() };
process.stdout.write(
  `${tableOf(outcomes)}\n\nMedians of the rounds; a ratio is result ÷ floor, both from this run. ${options.quick ? "Quick run" : "Full run"}, ${seconds.toFixed(0)} s, ${machine.cores} cores, Node.js ${machine.node}.\n`,
);
mkdirSync(options.results, { recursive: true });
const file = join(
  options.results,
  `${startedAt
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "-")}.json`,
);
const { quick } = options;
const report = { at: startedAt.toISOString(), quick, seconds, machine, benchmarks: jsonOf(outcomes) };
writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
process.stdout.write(`Written to ${file}\n`);
process.exit(outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0);

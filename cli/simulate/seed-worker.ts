import type { Scenario } from "../../chaos/scenario/types.js";
import type { SeedSummary } from "../../simulation/causes.js";
import { runSeed } from "../../simulation/run-seed.js";
import { summarize } from "../../simulation/summarize.js";
import type { FromWorker, ToWorker } from "./seed-messages.js";

// A child of `kubesim chaos run --simulate`: runs one seed after the other until its parent hangs up.
const files: Map<string, never[]> = new Map();
/** Runs wait for each other: two at once would only take each other's memory. */
let last: Promise<void> = Promise.resolve();

process.on("message", (message: ToWorker) => {
  if (message.kind === "files") {
    for (const [path, documents] of message.files) files.set(path, documents as never[]);
    return;
  }
  last = last.then(() => run(message.id, message.scenario));
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group of the terminal; the parent decides.
process.on("SIGINT", () => {});

async function run(id: number, scenario: Scenario): Promise<void> {
  let outcome: { summary: SeedSummary } | { error: string };
  try {
    outcome = { summary: summarize(await runSeed({ scenario, files })) };
  } catch (err) {
    outcome = { error: err instanceof Error ? (err.stack ?? err.message) : String(err) };
  }
  const { user, system } = process.cpuUsage();
  const answer: FromWorker = { id, cpuMs: (user + system) / 1000, ...outcome };
  process.send?.(answer);
}

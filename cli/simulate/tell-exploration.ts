import pc from "picocolors";
import type { Scenario } from "../../chaos/scenario/types.js";
import type { CliContext } from "../command.js";
import type { Exploration } from "./explore.js";
import type { Shrunk } from "./shrink-cause.js";

export interface TellOptions {
  found: Exploration;
  /** How many were asked for. */
  wanted: number;
  scenario: Scenario;
  file: string;
  shrunk: Shrunk | undefined;
  json: boolean;
  tookMs: number;
  context: CliContext;
}

const MOST_ERRORS = 3;

/** What many seeds came to: counts, each cause once, and how to see it again. */
export function tellExploration(options: TellOptions): void {
  const { found, wanted, scenario, file, shrunk, json, tookMs, context } = options;
  const perMinute = Math.round((found.seeds / Math.max(1, tookMs)) * 60_000);
  if (json) {
    const report = { scenario: scenario.name, ...found, perMinute, ...(shrunk ? { shrunk } : {}) };
    context.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    return;
  }
  const say = (line: string): void => void context.stdout.write(`${line}\n`);
  say(
    `scenario ${scenario.name}: ${found.seeds} seeds, ${found.held} held, ${found.violated} violated` +
      (found.couldNotRun.length > 0 ? `, ${found.seeds - found.held - found.violated} could not run` : ""),
  );
  say(
    `${found.requests} requests (${found.failedRequests} failed), ${found.faults} faults, ${Math.round(found.simulatedMs / 1000)} s simulated in ${(tookMs / 1000).toFixed(1)} s; ${perMinute} seeds a minute`,
  );
  if (found.seeds < wanted) say(`interrupted after ${found.seeds} of ${wanted} seeds`);
  for (const { seed, error } of found.couldNotRun.slice(0, MOST_ERRORS))
    say(`could not run  seed ${seed}: ${error}`);
  for (const { cause, seeds, firstSeed, example } of found.causes) {
    say(`${pc.red("violated")}  ${cause.invariant}, ${counted(seeds, "seed")}, first ${firstSeed}`);
    say(`          ${example}`);
    say(`          replay: kubesim chaos run ${file} --simulate --replay ${firstSeed}`);
  }
  if (shrunk)
    say(
      `shrunk to ${counted(shrunk.steps, "step")} and ${shrunk.durationMs / 1000} s in ${shrunk.runs} runs: kubesim chaos run ${shrunk.file} --simulate`,
    );
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

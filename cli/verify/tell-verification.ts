import pc from "picocolors";
import type { CliContext } from "../command.js";
import type { Counterexample } from "./counterexample.js";
import type { UpheavalResult } from "./exploration.js";
import type { Verification } from "./verify.js";

type Say = (line: string) => void;

/** What was found, for people. */
export async function tellVerification(verification: Verification, context: CliContext): Promise<void> {
  const say: Say = (line) => void context.stdout.write(`${line}\n`);
  const { deployment, services, replicas, covered, notCovered, upheavals } = verification;
  say(
    `Deployment ${deployment}, ${replicas} ${replicas === 1 ? "replica" : "replicas"}, behind ${services.length === 1 ? "Service" : "Services"} ${services.join(", ")}`,
  );
  for (const line of covered) say(`  calls     ${line}`);
  for (const line of notCovered) say(`  not tried ${line}`);
  for (const result of upheavals) say(`  ${upheavalLine(result)}`);
  for (const counterexample of verification.counterexamples)
    tellCounterexample(counterexample, verification, say);
  tellCrash(verification, say);
  await tellAdvice(verification, say);
  say("");
  say(verdictOf(verification));
}

function upheavalLine({
  upheaval,
  runs,
  requests,
  lost,
  missed,
  violation,
  couldNotRun,
}: UpheavalResult): string {
  const mark = violation ? pc.red("lost") : runs === 0 ? pc.yellow("not run") : pc.green("held");
  const notes = [
    `${runs} runs, ${requests} requests`,
    ...(lost > 0 && !violation ? [`${lost} went with the node`] : []),
    ...(missed > 0 ? [`${missed} without a pod to hit`] : []),
    ...(violation ? [`seed ${violation.seed}: ${violation.example}`] : []),
    ...couldNotRun
      .slice(0, 1)
      .map(({ seed, error }) => `${couldNotRun.length} could not run (seed ${seed}: ${error})`),
  ];
  return `${upheaval.padEnd(15)} ${mark}  ${notes.join("; ")}`;
}

function tellCounterexample(found: Counterexample, { upheavals, advice }: Verification, say: Say): void {
  say("");
  const removes = advice?.proved
    ? `; ${advice.words} ${/ and |s$/.test(advice.words) ? "remove" : "removes"} it`
    : "";
  say(`${pc.bold(found.upheaval)}: ${found.sentence}${removes}`);
  for (const { atSeconds, text } of found.events) say(`  ${atSeconds.toFixed(3).padStart(9)} s  ${text}`);
  const others = upheavals
    .filter(({ upheaval, violation }) => violation && upheaval !== found.upheaval)
    .map(({ upheaval }) => upheaval);
  say(
    `  seed ${found.seed}, shrunk to ${(found.durationMs / 1000).toFixed(1)} s in ${found.shrinkRuns} runs: ${found.lost} of ${found.requests} requests lost${others.length > 0 ? `; also lost in ${others.join(", ")}` : ""}`,
  );
}

function tellCrash({ crash }: Verification, say: Say): void {
  if (!crash) return;
  say("");
  say(
    `node crash: unavoidable without retries: ${crash.lost} of ${crash.requests} requests went to the dead node's pods for ${crash.seconds.toFixed(1)} s (seed ${crash.seed}), until the node was NotReady and its endpoints were taken out. Clients that try again, or a shorter node-monitor-grace-period, help; no Deployment does.`,
  );
}

async function tellAdvice({ advice, held, interrupted, asked }: Verification, say: Say): Promise<void> {
  if (held || !asked) return;
  say("");
  if (!advice) {
    if (!interrupted) say("No change of the Deployment that verify knows would help.");
    return;
  }
  const { dump } = await import("js-yaml");
  say(
    advice.proved
      ? "This patch removes it:"
      : "With everything that verify knows to try, requests are still lost:",
  );
  for (const line of dump(advice.patch).trimEnd().split("\n")) say(`    ${line}`);
  if (advice.proved)
    say(pc.green(`With it: no request lost in ${advice.runs} runs (${advice.requests} requests).`));
  else if (advice.remaining)
    say(`${advice.remaining.upheaval}, seed ${advice.remaining.seed}: ${advice.remaining.example}`);
}

function verdictOf({ held, runs, requests, tookMs, foundAfterMs, interrupted }: Verification): string {
  const took = `${(tookMs / 1000).toFixed(1)} s`;
  const early = interrupted ? "interrupted: " : "";
  if (held) return pc.green(`${early}no request lost in ${runs} runs (${requests} requests), in ${took}`);
  return pc.red(
    `${early}requests can be lost: found in ${((foundAfterMs ?? 0) / 1000).toFixed(1)} s, told in ${took}`,
  );
}

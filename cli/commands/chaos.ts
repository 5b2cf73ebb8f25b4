import { writeFileSync } from "node:fs";
import pc from "picocolors";
import { checkers } from "../../chaos/checkers.js";
import { faults } from "../../chaos/faults.js";
import { CannotRun } from "../../chaos/cannot-run.js";
import type { RunReport } from "../../chaos/judge.js";
import { runScenario } from "../../chaos/runner.js";
import { explain } from "../../chaos/scenario/explain.js";
import { scenarioSchema } from "../../chaos/scenario/schema.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { TransportError } from "../../machinery/api/http.js";
import { StatusError } from "../../machinery/api/status.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { CliCommand, CliContext } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { liveCluster } from "../live/live-cluster.js";
import { readScenarioFile } from "../scenario-file.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig of the cluster to break." },
  name: { kind: "string", help: "Name of a running kubesim cluster." },
  seed: { kind: "string", help: "Overrides the scenario's seed." },
  output: { kind: "string", short: "o", help: "json: the report with the whole history." },
  journal: { kind: "string", help: "Write the report with the whole history to this file." },
  simulate: { kind: "bool", help: "Run in virtual time, without a cluster: one seed, one history." },
  seeds: { kind: "int", help: "With --simulate: explore so many seeds, from the scenario's or --seed on." },
  jobs: {
    kind: "int",
    help: "With --seeds: so many processes beside each other. Default: one per CPU, at most 8.",
  },
  replay: { kind: "string", help: "Run one seed in virtual time again, and print the hash of its history." },
  trace: { kind: "bool", help: "With --replay: print every event; on a terminal, one at a time." },
  shrunk: {
    kind: "string",
    help: "Where the shortest failing scenario is written. Default: beside the scenario.",
  },
} as const satisfies FlagSpecs;

type ChaosFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];

/** Exit codes: the invariants held, were violated, or the scenario could not be run. */
const HELD = 0;
const VIOLATED = 1;
const COULD_NOT_RUN = 2;

const USAGE =
  "usage: kubesim chaos run SCENARIO.yaml | kubesim chaos explain [FAULT|INVARIANT|FIELD] | kubesim chaos schema";

/** `kubesim chaos run SCENARIO.yaml`, `kubesim chaos explain [WORD]`, `kubesim chaos schema`. */
export const chaosCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [verb, file] = positionals;
    if (verb === "explain") return explainWord(file, context);
    if (verb === "schema") {
      context.stdout.write(`${JSON.stringify(scenarioSchema({ faults, checkers }), undefined, 2)}\n`);
      return HELD;
    }
    if (verb !== "run" || !file) throw new UserError(USAGE, COULD_NOT_RUN);
    try {
      const scenario = await readScenarioFile(file, options.replay ?? options.seed);
      if (options.simulate || options.replay !== undefined) {
        const { simulate } = await import("../simulate/simulate.js");
        return await simulate({
          scenario,
          file,
          options,
          context,
          tell: (report) => tell(report, file, options, context),
        });
      }
      const report = await run(scenario, options, context);
      tell(report, file, options, context);
      return report.held ? HELD : VIOLATED;
    } catch (err) {
      const known =
        err instanceof UserError ||
        err instanceof StatusError ||
        err instanceof CannotRun ||
        err instanceof TransportError;
      if (!known) throw err;
      context.stderr.write(`error: ${err.message}\n`);
      return COULD_NOT_RUN;
    }
  },
};

function explainWord(word: string | undefined, context: CliContext): number {
  try {
    context.stdout.write(explain({ faults, checkers }, word));
    return HELD;
  } catch (err) {
    if (!(err instanceof RangeError)) throw err;
    throw new UserError(err.message, COULD_NOT_RUN);
  }
}

async function run(scenario: Scenario, options: ChaosFlags, context: CliContext): Promise<RunReport> {
  const { client, kubeconfig } = connect(
    {
      ...(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {}),
      ...(options.name ? { name: options.name } : {}),
    },
    context,
  );
  const cluster = liveCluster(client, kubeconfig, context);
  const quiet = options.output === "json";
  const say = (line: string): void => {
    if (!quiet) context.stdout.write(`${line}\n`);
  };
  say(`scenario ${scenario.name}, seed ${scenario.seed}, ${scenario.durationMs / 1000} s`);
  try {
    return await runScenario({
      scenario,
      cluster,
      rng: seededRng(scenario.seed),
      signal: context.signal,
      onEvent: (line) => say(`  ${line}`),
    });
  } finally {
    cluster.close();
  }
}

function tell(report: RunReport, file: string, options: ChaosFlags, context: CliContext): void {
  const json = JSON.stringify(report, undefined, 2);
  if (options.journal) writeFileSync(options.journal, `${json}\n`);
  if (options.output === "json") {
    context.stdout.write(`${json}\n`);
    return;
  }
  const { history, verdicts } = report;
  const injected = history.faults.filter(({ outcome }) => outcome === "injected").length;
  context.stdout.write(
    `${history.operations.length} requests, ${history.flows.length} flows, ${injected} faults injected\n`,
  );
  for (const { invariant, verdict } of verdicts) {
    const mark = verdict.held ? pc.green("held") : pc.red("violated");
    context.stdout.write(`${mark.padEnd(8)}  ${invariant}: ${verdict.summary}\n`);
    for (const violation of verdict.violations) context.stdout.write(`            ${violation}\n`);
  }
  if (report.held) return;
  const how = options.simulate || options.replay !== undefined ? "--simulate --replay" : "--seed";
  context.stdout.write(`\nreplay: kubesim chaos run ${file} ${how} ${history.seed}\n`);
}

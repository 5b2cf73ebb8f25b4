import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import pc from "picocolors";
import { checkers } from "../../chaos/checkers.js";
import { faults } from "../../chaos/faults.js";
import { CannotRun } from "../../chaos/cannot-run.js";
import type { RunReport } from "../../chaos/judge.js";
import { runScenario } from "../../chaos/runner.js";
import { parseScenario } from "../../chaos/scenario/parse.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { TransportError } from "../../machinery/api/http.js";
import { toMessage } from "../../machinery/api/field-error.js";
import { StatusError } from "../../machinery/api/status.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { CliCommand, CliContext } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { liveCluster } from "../live/live-cluster.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig of the cluster to break." },
  name: { kind: "string", help: "Name of a running kubesim cluster." },
  seed: { kind: "string", help: "Overrides the scenario's seed." },
  output: { kind: "string", short: "o", help: "json: the report with the whole history." },
  journal: { kind: "string", help: "Write the report with the whole history to this file." },
} as const satisfies FlagSpecs;

type ChaosFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];

/** Exit codes: the invariants held, were violated, or the scenario could not be run. */
const HELD = 0;
const VIOLATED = 1;
const COULD_NOT_RUN = 2;

/** `kubesim chaos run SCENARIO.yaml`, `kubesim chaos explain`. */
export const chaosCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [verb, file] = positionals;
    if (verb === "explain") {
      context.stdout.write(vocabulary());
      return HELD;
    }
    if (verb !== "run" || !file)
      throw new UserError("usage: kubesim chaos run SCENARIO.yaml | kubesim chaos explain", COULD_NOT_RUN);
    try {
      const scenario = await readScenario(file, options.seed);
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

async function readScenario(file: string, seed: string | undefined): Promise<Scenario> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UserError(`the path "${file}" does not exist`, COULD_NOT_RUN);
  }
  const [{ load }, { explainYamlError }] = await Promise.all([import("js-yaml"), import("../yaml-error.js")]);
  let document: unknown;
  try {
    document = load(text);
  } catch (err) {
    throw new UserError(explainYamlError(err, text, file), COULD_NOT_RUN);
  }
  const { scenario, errors } = parseScenario(document, { faults, checkers });
  if (errors.length > 0) {
    throw new UserError(
      `Scenario "${scenario.name}" is invalid:\n${errors.map((e) => `  ${toMessage(e)}`).join("\n")}`,
      COULD_NOT_RUN,
    );
  }
  return {
    ...scenario,
    seed: seed ?? scenario.seed,
    manifests: scenario.manifests.map((source) =>
      typeof source === "string" ? resolve(dirname(file), source) : source,
    ),
  };
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
  if (!report.held) context.stdout.write(`\nreplay: kubesim chaos run ${file} --seed ${history.seed}\n`);
}

function vocabulary(): string {
  const lines = (items: readonly { name: string; summary: string }[]): string =>
    items.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}\n`).join("");
  return `Faults:\n${lines(faults)}\nInvariants:\n${lines(checkers)}`;
}

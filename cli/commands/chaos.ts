import { CannotRun } from "../../chaos/cannot-run.js";
import { checkers } from "../../chaos/checkers.js";
import { faults } from "../../chaos/faults.js";
import { explain } from "../../chaos/scenario/explain.js";
import { scenarioSchema } from "../../chaos/scenario/schema.js";
import { TransportError } from "../../machinery/api/http.js";
import { StatusError } from "../../machinery/api/status.js";
import { type ChaosFlags, chaosFlags, COULD_NOT_RUN, HELD } from "../chaos/flags.js";
import { chaosHeal, chaosStatus } from "../chaos/held-faults.js";
import { reportAgain } from "../chaos/report.js";
import { checkReportFiles } from "../chaos/report-files.js";
import { runLive } from "../chaos/run-live.js";
import type { CliCommand, CliContext } from "../command.js";
import { parseFlags } from "../flags.js";
import { readScenarioFile } from "../scenario-file.js";
import { UserError } from "../supervisor/cluster.js";

const USAGE = `usage: kubesim chaos run SCENARIO.yaml
       kubesim chaos report JOURNAL.json
       kubesim chaos status
       kubesim chaos heal [ID]
       kubesim chaos explain [FAULT|INVARIANT|FIELD]
       kubesim chaos schema`;

/** `kubesim chaos VERB`: scenarios, their reports, and what is held now. */
export const chaosCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, chaosFlags);
    const [verb, word] = positionals;
    try {
      return await runVerb(verb, word, options, context);
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

async function runVerb(
  verb: string | undefined,
  word: string | undefined,
  options: ChaosFlags,
  context: CliContext,
): Promise<number> {
  if (verb === "explain") return explainWord(word, context);
  if (verb === "schema") {
    context.stdout.write(`${JSON.stringify(scenarioSchema({ faults, checkers }), undefined, 2)}\n`);
    return HELD;
  }
  if (verb === "status") return chaosStatus(options, context);
  if (verb === "heal") return chaosHeal(word, options, context);
  if (verb === "report" && word) return reportAgain(word, options, context);
  if (verb === "run" && word) return runFile(word, options, context);
  throw new UserError(USAGE, COULD_NOT_RUN);
}

async function runFile(file: string, options: ChaosFlags, context: CliContext): Promise<number> {
  checkReportFiles(options);
  const scenario = await readScenarioFile(file, options.replay ?? options.seed);
  if (!options.simulate && options.replay === undefined) return runLive(scenario, file, options, context);
  const { simulate } = await import("../simulate/simulate.js");
  return simulate({ scenario, file, options, context });
}

function explainWord(word: string | undefined, context: CliContext): number {
  try {
    context.stdout.write(explain({ faults, checkers }, word));
    return HELD;
  } catch (err) {
    if (!(err instanceof RangeError)) throw err;
    throw new UserError(err.message, COULD_NOT_RUN);
  }
}

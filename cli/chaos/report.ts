import { readFileSync } from "node:fs";
import { judgeAgain, NotAJournal, readJournal, type Rejudged } from "../../chaos/reports/read-journal.js";
import type { CliContext } from "../command.js";
import { UserError } from "../supervisor/cluster.js";
import { type ChaosFlags, COULD_NOT_RUN, HELD, VIOLATED } from "./flags.js";
import { checkReportFiles } from "./report-files.js";
import { tellJournal } from "./tell.js";

/** `kubesim chaos report JOURNAL.json`: judges a run again by the checkers of today, and renders its reports anew. */
export async function reportAgain(file: string, options: ChaosFlags, context: CliContext): Promise<number> {
  checkReportFiles(options);
  const { journal, changes } = read(file);
  if (options.output !== "json") {
    context.stdout.write(
      `scenario ${journal.experiment.name}, ${journal.mode}, seed ${journal.seed}, ${journal.start}\n`,
    );
    for (const change of changes) context.stdout.write(`judged anew: ${change}\n`);
  }
  tellJournal(journal, options, context);
  if (journal.status !== "completed") return COULD_NOT_RUN;
  return journal.held ? HELD : VIOLATED;
}

function read(file: string): Rejudged {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (err) {
    throw new UserError(
      `${file} cannot be read: ${err instanceof Error ? err.message : String(err)}`,
      COULD_NOT_RUN,
    );
  }
  try {
    return judgeAgain(readJournal(text));
  } catch (err) {
    if (err instanceof NotAJournal) throw new UserError(`${file}: ${err.message}`, COULD_NOT_RUN);
    throw err;
  }
}

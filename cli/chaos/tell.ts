import { createColors } from "picocolors";
import type { CannotRun } from "../../chaos/cannot-run.js";
import type { RunReport } from "../../chaos/judge.js";
import { type Journal, type JournalOptions, newJournal } from "../../chaos/reports/journal.js";
import { inBatches, journalText } from "../../chaos/reports/journal-text.js";
import { noPaint, type Paint, toSummary } from "../../chaos/reports/summary.js";
import type { CliContext } from "../command.js";
import { type ReportFiles, writeReportFiles } from "./report-files.js";

export interface TellOptions extends ReportFiles {
  output?: string | undefined;
}

/** Writes the files that are wanted, and prints the journal, or what it says in a few lines. */
export function tellJournal(journal: Journal, options: TellOptions, { stdout }: CliContext): void {
  writeReportFiles(journal, options);
  if (options.output === "json") for (const part of inBatches(journalText(journal))) stdout.write(part);
  else stdout.write(`${toSummary(journal, paintOf(stdout)).join("\n")}\n`);
}

/** Of a run without verdict: what there is goes into the files; the error itself is printed by the caller. */
export function writeUnjudged(
  err: CannotRun,
  about: Omit<JournalOptions, "report" | "status" | "error">,
  files: ReportFiles,
): void {
  if (!err.history) return;
  const report: RunReport = { held: false, verdicts: [], history: err.history };
  writeReportFiles(newJournal({ ...about, report, status: err.ending, error: err.message }), files);
}

export const paintOf = ({ isTTY }: NodeJS.WriteStream): Paint => (isTTY ? createColors(true) : noPaint);

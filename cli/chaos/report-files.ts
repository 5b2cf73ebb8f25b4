import { accessSync, closeSync, constants, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toHtml } from "../../chaos/reports/html.js";
import type { Journal } from "../../chaos/reports/journal.js";
import { inBatches, journalText } from "../../chaos/reports/journal-text.js";
import { toJUnit } from "../../chaos/reports/junit.js";
import { toPerfData } from "../../chaos/reports/perf-data.js";
import { UserError } from "../supervisor/cluster.js";
import { COULD_NOT_RUN } from "./flags.js";

/** Where reports go; what is absent is not wanted. */
export interface ReportFiles {
  journal?: string | undefined;
  junit?: string | undefined;
  html?: string | undefined;
  /** A folder. */
  perfdata?: string | undefined;
}

/** Throws UserError (exit code 2) when a report could not be written: known before a run, not after it. */
export function checkReportFiles({ journal, junit, html, perfdata }: ReportFiles): void {
  for (const file of [journal, junit, html]) {
    if (file === undefined) continue;
    if (file === "") throw new UserError("a report needs the name of a file", COULD_NOT_RUN);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError(`the report cannot be written: ${file} is a folder`, COULD_NOT_RUN);
    writable(dirname(file));
  }
  if (perfdata === undefined) return;
  explained(() => mkdirSync(perfdata, { recursive: true }));
  writable(perfdata);
}

const writable = (folder: string): void => explained(() => accessSync(folder, constants.W_OK));

/** Throws UserError (exit code 2) when a file cannot be written. */
export function writeReportFiles(journal: Journal, files: ReportFiles): void {
  explained(() => {
    if (files.journal !== undefined) writeJournal(files.journal, journal);
    if (files.junit !== undefined) writeFileSync(files.junit, toJUnit(journal));
    if (files.html !== undefined) writeFileSync(files.html, toHtml(journal));
    if (files.perfdata === undefined) return;
    for (const { name, content } of toPerfData(journal))
      writeFileSync(join(files.perfdata, name), `${JSON.stringify(content, undefined, 2)}\n`);
  });
}

function writeJournal(file: string, journal: Journal): void {
  const descriptor = openSync(file, "w");
  try {
    for (const part of inBatches(journalText(journal))) writeFileSync(descriptor, part);
  } finally {
    closeSync(descriptor);
  }
}

function explained(write: () => void): void {
  try {
    write();
  } catch (err) {
    throw new UserError(
      `the report cannot be written: ${err instanceof Error ? err.message : String(err)}`,
      COULD_NOT_RUN,
    );
  }
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checklistDocument, type JestReport, resultsOf } from "./document.js";

// Called by `npm run checklist`, in the repository's folder: the results of the checklist's tests become the page.

const [resultsFile = ""] = process.argv.slice(2);
const report = JSON.parse(readFileSync(resultsFile, "utf8")) as JestReport;
const results = resultsOf(report, join(process.cwd(), "/"));
writeFileSync(join("docs", "checklist.md"), checklistDocument(results));
for (const { number, result } of results)
  if (result !== "passed") process.stderr.write(`row ${number}: ${result}\n`);

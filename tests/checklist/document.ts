import { type Row, ROWS } from "./rows.js";

/** How one row's test ended, and where it is. */
export interface RowResult {
  /** Beginning with 1. */
  number: number;
  /** Repository path. */
  file: string;
  result: "passed" | "failed" | "skipped";
}

/** The part of what `jest --json` writes that counts here. */
export interface JestReport {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[];
}

const TITLE = /^checklist (\d+): /;

/** Throws RangeError when a row has no test or several. `root` is the repository's folder, with a slash at its end. */
export function resultsOf({ testResults }: JestReport, root: string): RowResult[] {
  const all = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.flatMap(({ title, status }): RowResult[] => {
      const number = Number(TITLE.exec(title)?.[1] ?? Number.NaN);
      if (Number.isNaN(number)) return [];
      const result = status === "passed" ? "passed" : status === "failed" ? "failed" : "skipped";
      return [{ number, file: name.replace(root, ""), result }];
    }),
  );
  return ROWS.map((_, i) => {
    const found = all.filter(({ number }) => number === i + 1);
    const [only] = found;
    if (!only || found.length > 1) throw new RangeError(`row ${i + 1} has ${found.length} tests, not one`);
    return only;
  });
}

const HEAD = `# The founding checklist

What the five documents that this project began with say about pods, Services and proxies, row by row, and the test that shows
each. \`npm run checklist\` runs the tests and writes this page from their results.

S0 pods and load balancing, S1 types of Services and proxy modes, S2 discovery and exposure, S3 questions about Services, S4 a
hands-on tour. Tests in \`live.test.ts\` use real processes, sockets and kubectl; the others the simulated cluster.
`;

export function checklistDocument(results: readonly RowResult[]): string {
  const passed = results.filter(({ result }) => result === "passed").length;
  const lines = results.map((each) => tableLine(each, ROWS[each.number - 1]));
  const corrections = ROWS.flatMap(({ correction }, i) =>
    correction ? [`- Row ${i + 1}. Said: ${correction.says}. Right: ${correction.really}.`] : [],
  );
  return [
    HEAD,
    `${passed} of ${ROWS.length} passed.`,
    "",
    "| # | from | what | how it is shown | result |",
    "| --- | --- | --- | --- | --- |",
    ...lines,
    "",
    "## Where the documents are wrong",
    "",
    ...corrections,
    "",
  ].join("\n");
}

const tableLine = ({ number, file, result }: RowResult, row: Row | undefined): string =>
  `| ${[
    row?.correction ? `${number} !` : String(number),
    row?.from ?? "",
    (row?.behaviour ?? "").replaceAll("|", "\\|"),
    `\`${file}\``,
    result,
  ].join(" | ")} |`;

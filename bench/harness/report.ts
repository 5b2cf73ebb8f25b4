import type { Measure, Sample } from "./benchmark.js";
import { median } from "./statistics.js";

/** What became of one benchmark. */
export interface Outcome {
  benchmark: string;
  title: string;
  seconds: number;
  measures: readonly Measure[];
  /** Why it could not run. */
  failure?: string;
}

const HEADER = ["MEASURE", "RESULT", "(RANGE)", "UNIT", "FLOOR", "", "(RANGE)", "RATIO", "AIM"];
const RIGHT_ALIGNED = new Set([1, 5, 7]);

/** The report as lines of aligned columns. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const sections = outcomes.map((outcome) => ({ outcome, rows: outcome.measures.flatMap(rowsOf) }));
  const all = [HEADER, ...sections.flatMap(({ rows }) => rows)];
  const widths = HEADER.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const lines = [lineOf(HEADER, widths)];
  for (const { outcome, rows } of sections) {
    lines.push("", `${outcome.title} (${outcome.benchmark}, ${outcome.seconds.toFixed(1)} s)`);
    if (outcome.failure) lines.push(`  could not run: ${outcome.failure}`);
    lines.push(...rows.map((row) => lineOf(row, widths)));
    const notes = outcome.measures.flatMap(({ name, note }) => (note ? [`  ${name}: ${note}`] : []));
    lines.push(...notes);
  }
  return lines.join("\n");
}

function rowsOf({ name, unit, values, floors = [], aim }: Measure): string[][] {
  const verdict = aim ? `${aim.text}: ${aim.met ? "met" : "NOT MET"}` : "";
  const subject = [name, number(median(values)), range(values), unit];
  const [first, ...others] = floors;
  const floorCells = (floor: { name: string; values: Sample } | undefined): string[] =>
    floor
      ? [floor.name, number(median(floor.values)), range(floor.values), ratio(values, floor.values)]
      : ["", "", "", ""];
  return [
    [...subject, ...floorCells(first), verdict],
    ...others.map((floor) => ["", "", "", "", ...floorCells(floor), ""]),
  ];
}

const lineOf = (row: readonly string[], widths: readonly number[]): string =>
  `  ${row
    .map((cell, column) =>
      RIGHT_ALIGNED.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    .join("  ")}`.trimEnd();

/** Three significant digits, thousands in groups. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return String(Number(value.toPrecision(3)));
}

const range = (values: Sample): string =>
  values.length > 1 ? `(${number(Math.min(...values))}-${number(Math.max(...values))})` : "";

const ratio = (values: Sample, floor: Sample): string => {
  const quotient = median(values) / median(floor);
  return Number.isFinite(quotient) ? `${quotient.toFixed(2)}x` : "-";
};

/** What goes into the result file: the measures with their medians and ratios worked out. */
export const jsonOf = (outcomes: readonly Outcome[]): unknown =>
  outcomes.map(({ measures, ...outcome }) => ({
    ...outcome,
    measures: measures.map(({ floors = [], ...measure }) => ({
      ...measure,
      median: median(measure.values),
      floors: floors.map((floor) => ({
        ...floor,
        median: median(floor.values),
        ratio: median(measure.values) / median(floor.values),
      })),
    })),
  }));

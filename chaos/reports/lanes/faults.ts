import { momentIn } from "../../explain-failures.js";
import type { FaultRecord, History } from "../../history.js";
import { bar, diamond, type Lane, type Row, type TimeScale } from "./lane.js";

const ROW_HEIGHT = 20;
const MOST_ROWS = 40;

/** A row for each step: bars from injection to healing, diamonds for what was done at once. */
export function faultsLane(history: History, scale: TimeScale): Lane {
  const steps = [...new Set(history.faults.map(({ name }) => name))];
  const rows = steps.slice(0, MOST_ROWS).map((step): Row => {
    const records = history.faults.filter(({ name }) => name === step);
    return {
      label: step,
      height: ROW_HEIGHT,
      draw: (y) => records.map((record) => mark(record, history, scale, y)).join(""),
    };
  });
  return {
    title: "Faults",
    legend: "bar: injected to healed; diamond: done at once; hollow: not injected; red edge: not healed",
    rows,
    ...(steps.length > MOST_ROWS ? { more: `${steps.length - MOST_ROWS} more steps` } : {}),
  };
}

function mark(record: FaultRecord, history: History, scale: TimeScale, y: number): string {
  const { atMs, outcome, endsAtMs, healedAtMs, healError } = record;
  const x = scale.x(atMs);
  const middle = y + ROW_HEIGHT / 2;
  const text = faultInWords(record, history);
  if (outcome !== "injected") return diamond("fault hollow", x, middle, text);
  if (endsAtMs === undefined) return diamond("fault", x, middle, text);
  const width = scale.x(healedAtMs ?? scale.toMs) - x;
  const unhealed = healedAtMs === undefined || healError !== undefined;
  return bar(unhealed ? "fault unhealed" : "fault", { x, y: y + 4, width, height: ROW_HEIGHT - 8 }, text);
}

const MOST_TARGET = 300;

/** `killer: kill-pod at 2.00 s, {"pods":…}, healed at 3.00 s`. */
export function faultInWords(record: FaultRecord, history: History): string {
  const { name, fault, atMs, outcome, error, endsAtMs, healedAtMs, healError } = record;
  const at = (ms: number): string => momentIn(history, ms);
  const target = JSON.stringify(record.target) ?? "";
  const hit = target.length > MOST_TARGET ? `${target.slice(0, MOST_TARGET)}…` : target;
  const made = `${name}: ${fault} at ${at(atMs)}, ${hit}`;
  if (outcome !== "injected") return `${made}: ${outcome}${error === undefined ? "" : `, ${error}`}`;
  if (endsAtMs === undefined) return made;
  if (healError !== undefined) return `${made}, not healed: ${healError}`;
  return healedAtMs === undefined ? `${made}, not healed` : `${made}, healed at ${at(healedAtMs)}`;
}

import { momentIn } from "../../explain-failures.js";
import type { History } from "../../history.js";
import type { Journal } from "../journal.js";
import { momentOf } from "../moments.js";
import { bar, diamond, type Lane, type Row, round, type TimeScale } from "./lane.js";

const ROW_HEIGHT = 16;

/** A row for each invariant; diamonds where it was violated, as far as violations name a moment. */
export const verdictsLane = ({ verdicts, history }: Journal, scale: TimeScale): Lane => ({
  title: "Invariants",
  legend: "green: held; diamonds: the first violations",
  rows: verdicts.map(({ invariant, verdict }): Row => {
    const x = scale.x(scale.fromMs);
    const width = scale.x(scale.toMs) - x;
    return {
      label: invariant,
      height: ROW_HEIGHT,
      draw: (y) =>
        bar(
          verdict.held ? "holds" : "violated",
          { x, y: y + ROW_HEIGHT / 2 - 1, width, height: 2 },
          verdict.summary,
        ) +
        verdict.violations.map((text) => violationMark(text, y + ROW_HEIGHT / 2, history, scale)).join(""),
    };
  }),
});

function violationMark(text: string, y: number, history: History, scale: TimeScale): string {
  const atMs = momentOf(text, history);
  return atMs === undefined ? "" : diamond("violation", scale.x(atMs), y, text);
}

const TICK = 2.5;
const MOST_TICKS = 400;

/** A row for each probe: a tick for each look, red where it failed. */
export function probesLane({ history }: Journal, scale: TimeScale): Lane {
  const names = [...new Set(history.probes.map(({ probe }) => probe))];
  return {
    title: "Probes",
    legend: "green: held; red: failed",
    rows: names.map((name): Row => {
      const looks = history.probes.filter(({ probe }) => probe === name);
      const every = Math.ceil(looks.length / MOST_TICKS);
      const shown = looks.filter(({ held }, i) => !held || i % every === 0).slice(0, 2 * MOST_TICKS);
      return {
        label: name,
        height: ROW_HEIGHT,
        draw: (y) =>
          shown
            .map(({ atMs, held, error }) =>
              bar(
                held ? "ready" : "lost",
                { x: round(scale.x(atMs) - TICK / 2), y: y + 3, width: TICK, height: ROW_HEIGHT - 6 },
                `${momentIn(history, atMs)}: ${held ? "held" : (error ?? "failed")}`,
              ),
            )
            .join(""),
      };
    }),
  };
}

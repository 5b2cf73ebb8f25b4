import type { History } from "../../history.js";
import { escaped } from "../escape.js";

/** All lanes share one picture, in these units. */
export const WIDTH = 1200;
export const LABEL_WIDTH = 190;
const RIGHT_EDGE = WIDTH - 12;

/** A band of the picture: a heading, and rows over the same time. */
export interface Lane {
  title: string;
  /** What marks and colours mean. */
  legend: string;
  rows: Row[];
  /** What was left out. */
  more?: string;
}

export interface Row {
  label: string;
  height: number;
  /** SVG between `y` and `y + height`. */
  draw(y: number): string;
}

/** Time to the place in the picture. What lies outside the run is drawn at its edge. */
export interface TimeScale {
  fromMs: number;
  toMs: number;
  x: (atMs: number) => number;
}

export function timeScale({
  startedAtMs: fromMs,
  endedAtMs,
}: Pick<History, "startedAtMs" | "endedAtMs">): TimeScale {
  const toMs = Math.max(endedAtMs, fromMs + 1);
  const perMs = (RIGHT_EDGE - LABEL_WIDTH) / (toMs - fromMs);
  return {
    fromMs,
    toMs,
    x: (atMs) => round(LABEL_WIDTH + (Math.min(toMs, Math.max(fromMs, atMs)) - fromMs) * perMs),
  };
}

/** A tenth of a unit is less than a pixel. */
export const round = (value: number): number => Math.round(value * 10) / 10;

/** What the browser shows when the pointer rests on a mark. */
export const tip = (text: string): string => `<title>${escaped(text)}</title>`;

export const bar = (
  kind: string,
  at: { x: number; y: number; width: number; height: number },
  text?: string,
): string =>
  `<rect class="${kind}" x="${at.x}" y="${round(at.y)}" width="${round(Math.max(at.width, 1))}" height="${round(at.height)}">${text === undefined ? "" : tip(text)}</rect>`;

export const diamond = (kind: string, x: number, y: number, text: string): string =>
  `<path class="${kind}" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z">${tip(text)}</path>`;

const MOST_LABEL = 30;

/** The end of a long name tells more than its beginning. */
export const shortened = (label: string): string =>
  label.length <= MOST_LABEL ? label : `…${label.slice(1 - MOST_LABEL)}`;

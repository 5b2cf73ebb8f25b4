import type { FaultRecord } from "../history.js";
import { escaped } from "./escape.js";
import type { Journal } from "./journal.js";
import { convergenceLane } from "./lanes/convergence.js";
import { faultsLane } from "./lanes/faults.js";
import {
  bar,
  type Lane,
  LABEL_WIDTH,
  round,
  shortened,
  tip,
  type TimeScale,
  timeScale,
  WIDTH,
} from "./lanes/lane.js";
import { nodesLane, podsLane } from "./lanes/pods.js";
import { requestsLane } from "./lanes/requests.js";
import { probesLane, verdictsLane } from "./lanes/verdicts.js";

const HEADING_HEIGHT = 24;
const LANE_GAP = 8;
const AXIS_HEIGHT = 18;
const MOST_BANDS = 40;

/** A moment that the text links to. */
export interface Moment {
  id: string;
  atMs: number;
  text: string;
}

/** What happened, lane under lane over one time: faults, requests, convergence, pods, nodes, probes, invariants. */
export function picture(journal: Journal, moments: readonly Moment[]): string {
  const { history } = journal;
  const scale = timeScale(history);
  const lanes = [
    faultsLane(history, scale),
    requestsLane(history, scale),
    convergenceLane(history, scale),
    podsLane(history, scale),
    nodesLane(history, scale),
    probesLane(journal, scale),
    verdictsLane(journal, scale),
  ].filter(({ rows }) => rows.length > 0);
  let y = AXIS_HEIGHT;
  const drawn = lanes.map((lane) => {
    const { svg, height } = drawLane(lane, y);
    y += height + LANE_GAP;
    return svg;
  });
  const height = y + AXIS_HEIGHT;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="What happened, by time">`,
    bands(history.faults, scale, height),
    axis(scale, height),
    ...drawn,
    ...moments.map((moment) => drawMoment(moment, scale, height)),
    "</svg>",
  ].join("\n");
}

function drawLane({ title, legend, rows, more }: Lane, top: number): { svg: string; height: number } {
  const parts = [
    `<text class="lane" x="0" y="${top + 15}">${escaped(title)}</text>`,
    `<text class="dim" x="${LABEL_WIDTH}" y="${top + 15}">${escaped(more === undefined ? legend : `${legend}. Not shown: ${more}`)}</text>`,
  ];
  let y = top + HEADING_HEIGHT;
  for (const row of rows) {
    parts.push(
      `<text x="0" y="${round(y + row.height / 2 + 4)}">${tip(row.label)}${escaped(shortened(row.label))}</text>`,
      row.draw(y),
    );
    y += row.height;
  }
  return { svg: parts.join(""), height: y - top };
}

/** Behind everything: while which times some fault was held. */
const bands = (faults: readonly FaultRecord[], scale: TimeScale, height: number): string =>
  faults
    .filter(({ outcome, endsAtMs }) => outcome === "injected" && endsAtMs !== undefined)
    .slice(0, MOST_BANDS)
    .map(({ atMs, healedAtMs }) => {
      const x = scale.x(atMs);
      const width = scale.x(healedAtMs ?? scale.toMs) - x;
      return bar("band", { x, y: AXIS_HEIGHT, width, height: height - 2 * AXIS_HEIGHT });
    })
    .join("");

const STEPS_SECONDS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400,
];
const MOST_LABELS = 16;

function axis({ fromMs, toMs, x }: TimeScale, height: number): string {
  const seconds = (toMs - fromMs) / 1000;
  const step = STEPS_SECONDS.find((candidate) => seconds / candidate <= MOST_LABELS) ?? seconds;
  const marks: string[] = [];
  for (let i = 0; i * step <= seconds; i++) {
    const at = x(fromMs + i * step * 1000);
    const label = `${Math.round(i * step * 10) / 10} s`;
    marks.push(`<path class="grid" d="M${at} ${AXIS_HEIGHT}V${height - AXIS_HEIGHT}"/>`);
    for (const y of [12, height - 6])
      marks.push(`<text class="dim" x="${at}" y="${y}" text-anchor="middle">${label}</text>`);
  }
  return marks.join("");
}

function drawMoment({ id, atMs, text }: Moment, scale: TimeScale, height: number): string {
  const x = scale.x(atMs);
  const line = `<line x1="${x}" y1="${AXIS_HEIGHT}" x2="${x}" y2="${height - AXIS_HEIGHT}"/>`;
  return `<g class="moment" id="${id}">${tip(text)}${line}<text x="${x + 4}" y="${height - AXIS_HEIGHT - 2}">${escaped(shortened(text))}</text></g>`;
}

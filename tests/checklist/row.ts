import { test } from "@jest/globals";
import { haveKubectl } from "../testkit/live-cluster.js";
import { ROWS } from "./rows.js";

const TIMEOUT_MS = 60_000;

/** The test of one row of the founding checklist, under its number. */
export function row(number: number, body: () => Promise<void>): void {
  test(titleOf(number), body, TIMEOUT_MS);
}

/** One that speaks of kubectl itself: skipped where it is not installed. */
export function kubectlRow(number: number, body: () => Promise<void>): void {
  if (haveKubectl) row(number, body);
  else test.skip(`${titleOf(number)} (needs kubectl)`, body);
}

function titleOf(number: number): string {
  const found = ROWS[number - 1];
  if (!found) throw new RangeError(`the checklist has no row ${number}`);
  return `checklist ${number}: ${found.behaviour}`;
}

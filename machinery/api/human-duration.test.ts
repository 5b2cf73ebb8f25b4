import { expect, test } from "@jest/globals";
import { humanDuration } from "./human-duration.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [-5, "<invalid>"],
  [-1, "0s"],
  [0, "0s"],
  [119, "119s"],
  [2 * MINUTE, "2m"],
  [2 * MINUTE + 30, "2m30s"],
  [10 * MINUTE + 30, "10m"],
  [3 * HOUR, "3h"],
  [3 * HOUR + 5 * MINUTE, "3h5m"],
  [8 * HOUR + 5 * MINUTE, "8h"],
  [47 * HOUR, "47h"],
  [2 * DAY + 3 * HOUR, "2d3h"],
  [8 * DAY + 3 * HOUR, "8d"],
  [3 * 365 * DAY, "3y"],
  [2 * 365 * DAY + 10 * DAY, "2y10d"],
  [9 * 365 * DAY, "9y"],
])("%d seconds are shown as %s", (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text);
});

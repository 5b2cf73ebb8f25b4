import { expect, test } from "@jest/globals";
import type { History } from "../history.js";
import { judge } from "../judge.js";
import { START_MS, stalledHistory, stalledScenario } from "../testing/stalled-run.js";
import { elementsOf, faultsOfMarkup } from "../testing/well-formed.js";
import { toHtml } from "./html.js";
import { type Journal, type JournalOptions, newJournal } from "./journal.js";
import { inBatches, journalText } from "./journal-text.js";
import { toJUnit } from "./junit.js";
import { momentOf } from "./moments.js";
import { toPerfData } from "./perf-data.js";
import { judgeAgain, readJournal } from "./read-journal.js";
import { toSummary } from "./summary.js";

const REPLAY = "kubesim chaos run stalled.yaml --simulate --replay 7";

const journalOf = (history: History, options: Partial<JournalOptions> = {}): Journal =>
  newJournal({
    scenario: stalledScenario,
    report: judge(stalledScenario, history),
    mode: "simulated",
    replay: REPLAY,
    ...options,
  });
const red = (): Journal => journalOf(stalledHistory());
const green = (): Journal =>
  journalOf(
    stalledHistory({ operations: stalledHistory().operations.filter(({ outcome }) => outcome === "ok") }),
  );

/** What a hostile pod, answer or error could be called. */
const EVIL = `</text><script>alert(1)</script><img src=x onerror=alert(1)>"'&\u0000\u001b[31m\ud800`;

test("the journal has Chaos Toolkit's fields: steady states, what was done, and proof that it was taken back", () => {
  const journal = red();

  expect(journal).toMatchObject({
    kind: "Journal",
    apiVersion: "chaos.kubesim.dev/v1",
    version: 1,
    status: "completed",
    deviated: true,
    held: false,
    seed: "7",
    replay: REPLAY,
    start: "2026-03-01T00:00:00.000Z",
    end: "2026-03-01T00:00:09.000Z",
    duration: 9,
    steady_states: {
      before: { steady_state_met: true, probes: [{ status: "succeeded", output: 200 }] },
      during: [{ status: "failed", exception: "status 503" }],
      after: { steady_state_met: true },
    },
    run: [
      { activity: { name: "stall", provider: "proxy-stall" }, status: "succeeded", duration: 5 },
      { activity: { name: "killer", provider: "kill-pod" }, status: "succeeded" },
    ],
    rollbacks: [{ id: "stalled.1.stall.0", status: "succeeded", proven: true }],
  });
  expect(green()).toMatchObject({ deviated: false, held: true });
});

test("a healing is not proven while a component still holds the fault, and failed when nobody could heal", () => {
  const { recovery, faults } = stalledHistory();
  const held = recovery && { ...recovery, heldFaults: ["proxy: stalled.1.stall.0"] };
  expect(journalOf(stalledHistory(held ? { recovery: held } : {})).rollbacks).toMatchObject([
    { status: "succeeded", proven: false },
  ]);

  const unhealed = faults.map((fault) => ({ ...fault, healError: "no answer" }));
  const [rollback] = journalOf(stalledHistory({ faults: unhealed })).rollbacks;
  expect(rollback).toMatchObject({ status: "failed", proven: false, exception: "no answer" });
});

test("a run that was interrupted has no verdict, and keeps what was seen", () => {
  const journal = journalOf(stalledHistory(), { status: "interrupted", error: "interrupted: all healed" });

  expect(journal).toMatchObject({ status: "interrupted", deviated: false, held: false, verdicts: [] });
  expect(toSummary(journal).at(-1)).toBe("interrupted  interrupted: all healed");
  expect(toJUnit(journal)).toContain('<error type="interrupted" message="interrupted: all healed"/>');
  expect(toHtml(journal)).toContain('<span class="badge other">interrupted</span>');
});

test("a journal that was written to a file is judged again, and says which verdicts have changed", () => {
  const text = JSON.stringify(red());
  const again = judgeAgain(readJournal(text));
  expect(again.changes).toEqual([]);
  expect(JSON.parse(JSON.stringify(again.journal))).toEqual(JSON.parse(text));

  const older = JSON.stringify({
    ...red(),
    verdicts: [{ invariant: "request-budget", verdict: { held: true } }],
  });
  expect(judgeAgain(readJournal(older)).changes).toEqual([
    "request-budget: was held, is violated",
    "recovery: was not judged, is held",
  ]);
});

test("a journal is written in parts, with each record of the history on a line of its own", () => {
  const journal = red();
  const parts = [...inBatches(journalText(journal))];
  const text = parts.join("");

  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(journal)));
  expect(text.split("\n").filter((line) => line.startsWith('{"client":"inside"'))).toHaveLength(5);

  const operations = Array.from({ length: 10_000 }, () => journal.history.operations).flat();
  const long = [...inBatches(journalText({ ...journal, history: { ...journal.history, operations } }))];
  expect(long.length).toBeGreaterThan(3);
  expect(JSON.parse(long.join("")).history.operations).toHaveLength(50_000);
});

test.each([
  ["no JSON", "{", /^it is not JSON/],
  ["another file", "{}", /its kind is not "Journal"/],
  ["a null", "null", /its kind is not "Journal"/],
  ["a later version", '{"kind":"Journal","version":99}', /version 99; this kubesim reads versions up to 1$/],
  ["half of it", '{"kind":"Journal","version":1,"experiment":{}}', /it has no "history"/],
])("%s is refused as a journal", (_, text, message) => {
  expect(() => readJournal(text)).toThrow(message);
});

test("JUnit has a test case for each invariant, with time, failure, seed and the command that replays", () => {
  const xml = toJUnit(red());

  expect(faultsOfMarkup(xml)).toEqual([]);
  expect(xml).toContain('<testsuites name="kubesim chaos" tests="3" failures="1" errors="0" time="9.000">');
  expect(xml).toContain('<testcase classname="chaos.stalled" name="request-budget" time="0.000">');
  expect(xml).toContain('message="2 of 5 requests failed (budget 0)"');
  expect(xml).toContain(`replay: ${REPLAY}`);
  expect(xml).toContain("cause: inside at 4.00 s: 10.244.1.7:80");
  expect(toJUnit(green())).toContain('failures="0"');
});

test("JUnit of many seeds has a test case for each seed and each cause", () => {
  const xml = toJUnit(
    journalOf(stalledHistory(), {
      exploration: {
        seeds: 3,
        held: 1,
        violated: 1,
        couldNotRun: 1,
        requests: 30,
        failedRequests: 2,
        faults: 6,
        simulatedMs: 27_000,
        causes: [
          { invariant: "request-budget", text: "N refused", seeds: 1, firstSeed: "8", example: "2 refused" },
        ],
        bySeed: [
          { seed: "7", outcome: "held", simulatedMs: 9000, texts: [] },
          { seed: "8", outcome: "violated", simulatedMs: 9000, texts: ["request-budget: 2 refused"] },
          { seed: "9", outcome: "could-not-run", simulatedMs: 9000, texts: ["no steady state"] },
        ],
      },
    }),
  );

  expect(faultsOfMarkup(xml)).toEqual([]);
  expect(xml).toContain(
    '<testsuite name="stalled: seeds" tests="3" failures="1" errors="1" skipped="0" time="27.000"',
  );
  expect(xml).toContain('<testcase classname="chaos.stalled" name="request-budget: N refused" time="0.000">');
});

test("measurements are in ClusterLoader2's form, under its file names", () => {
  const files = toPerfData(red());

  expect(files.map(({ name }) => name)).toEqual([
    "RequestLatency_stalled_2026-03-01T00:00:09Z.json",
    "NetworkProgrammingLatency_stalled_2026-03-01T00:00:09Z.json",
    "EndpointsConvergence_stalled_2026-03-01T00:00:09Z.json",
    "RecoveryTime_stalled_2026-03-01T00:00:09Z.json",
  ]);
  expect(files[1]?.content).toMatchObject({
    version: "v1",
    dataItems: [
      {
        data: { Perc50: 300, Perc90: 3000, Perc99: 3000 },
        unit: "ms",
        labels: { Metric: "NetworkProgrammingLatency" },
      },
      { labels: { node: "node-1" }, data: { Perc99: 300 } },
      { labels: { node: "node-2" }, data: { Perc99: 3000 } },
    ],
  });
  expect(files[2]?.content.dataItems).toMatchObject([{ data: { Perc50: 200 } }]);
});

test("the terminal is told the cause and how to see it again, without colours where nobody asked for them", () => {
  const text = toSummary(red()).join("\n");

  expect(text).toContain("violated  request-budget: 2 of 5 requests failed (budget 0)");
  expect(text).toContain("still had it until 6.00 s");
  expect(text).toContain(`replay: ${REPLAY}`);
  expect(text).not.toContain("\u001b");
  expect(toSummary(green()).join("\n")).not.toContain("replay");
});

test("the page holds every lane and asks for nothing from elsewhere", () => {
  const page = toHtml(red());

  expect(faultsOfMarkup(page)).toEqual([]);
  for (const lane of ["Faults", "Requests", "Convergence", "Pods", "Probes", "Invariants"])
    expect(page).toContain(`>${lane}</text>`);
  expect(page).not.toMatch(/\b(src|href)="(?!#)/);
  expect(page).not.toContain("url(");
  expect(page).toContain("default-src 'none'");
  expect(page).toContain("prefers-color-scheme:dark");
  expect(page).toContain(`<pre>${REPLAY}</pre>`);
});

test("a violation on the page leads to its moment in the picture", () => {
  const page = toHtml(red());

  const links = [...page.matchAll(/href="#(moment-\d+)"/g)].map(([, id]) => id);
  expect(links.length).toBeGreaterThan(1);
  for (const id of links) expect(page).toContain(`class="moment" id="${id}"`);
  expect(momentOf("node-2 at 3.21s was late", { startedAtMs: START_MS })).toBe(START_MS + 3210);
  expect(momentOf("a at 2026-03-01T00:00:04.000Z: refused", { startedAtMs: START_MS })).toBe(START_MS + 4000);
  expect(momentOf("nobody knows when", { startedAtMs: START_MS })).toBeUndefined();
});

const withoutLines = (text: string): string => text.replaceAll("\n", "");

test("names and errors of the cluster cannot become markup, nor move a terminal's cursor", () => {
  const evil = (journal: Journal): Journal => {
    const text = JSON.stringify(journal)
      .replaceAll("web-1", JSON.stringify(EVIL).slice(1, -1))
      .replaceAll("inside", JSON.stringify(EVIL).slice(1, -1))
      .replaceAll("Connection refused", JSON.stringify(EVIL).slice(1, -1));
    return judgeAgain(readJournal(text)).journal;
  };
  const journal = { ...evil(red()), seed: EVIL, replay: EVIL, error: EVIL };

  const page = toHtml(journal);
  expect(faultsOfMarkup(page)).toEqual([]);
  expect(elementsOf(page)).not.toContain("script");
  expect(elementsOf(page)).not.toContain("img");
  expect(withoutLines(page)).not.toMatch(/\p{Cc}/u);
  const xml = toJUnit(journal);
  expect(faultsOfMarkup(xml)).toEqual([]);
  expect(elementsOf(xml)).not.toContain("script");
  expect(withoutLines(xml)).not.toMatch(/\p{Cc}/u);
  expect(withoutLines(toSummary(journal).join("\n"))).not.toMatch(/\p{Cc}/u);
});

test("a hundred thousand requests make a page of the same size", () => {
  const operations = Array.from({ length: 100_000 }, (_, i) => ({
    client: "inside",
    atMs: START_MS + i * 0.08,
    tookMs: 1 + (i % 50),
    outcome: "ok" as const,
  }));

  expect(toHtml(journalOf(stalledHistory({ operations }))).length).toBeLessThan(100_000);
});

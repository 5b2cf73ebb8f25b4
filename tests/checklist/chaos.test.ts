import { readFileSync } from "node:fs";
import { expect } from "@jest/globals";
import type { RunReport } from "../../chaos/judge.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { readScenarioFile } from "../../cli/scenario-file.js";
import { withFiles } from "../../cli/simulate/manifest-files.js";
import { runSeed } from "../../simulation/run-seed.js";
import { row } from "./row.js";

// Scripted chaos in virtual time.

async function run(scenario: Scenario): Promise<RunReport> {
  const { report, error } = await runSeed(withFiles(scenario));
  expect(error).toBeUndefined();
  if (!report) throw new RangeError("there is nothing to judge");
  return report;
}

/** Verdicts that did not hold, with what was seen. */
const violated = ({ verdicts }: RunReport): unknown[] => verdicts.filter(({ verdict }) => !verdict.held);

row(46, async () => {
  const scenario = await readScenarioFile("manifests/chaos/pod-killer.yaml");
  const cluster = { ...scenario.cluster, reusePolicy: "adversarial" } as const;
  const report = await run({ ...scenario, cluster, durationMs: 12_000 });

  const { history, verdicts } = report;
  const ips = history.pods.filter(({ labels }) => labels["app"] === "web").flatMap(({ ip }) => ip ?? []);
  const killed = history.faults.filter(({ outcome }) => outcome === "injected");
  expect(violated(report)).toEqual([]);
  expect(verdicts.map(({ invariant }) => invariant)).toContain("only-selected-pods");
  expect(killed.length).toBeGreaterThanOrEqual(4);
  expect(new Set(ips).size).toBeGreaterThan(3);
  expect(history.flows.filter(({ servicePort }) => servicePort === "default/web").length).toBeGreaterThan(
    500,
  );
});

row(77, async () => {
  const report = await run(await readScenarioFile("simulation/scenarios/rolling-update.yaml"));

  const { history, verdicts } = report;
  const update = history.faults.find(({ fault }) => fault === "rolling-update")?.atMs ?? 0;
  const web = history.pods.filter(({ labels }) => labels["app"] === "web");
  const before = new Set(web.filter(({ atMs }) => atMs < update).flatMap(({ ip }) => ip ?? []));
  const last = new Map(web.map((record) => [record.pod, record]));
  const after = [...last.values()].filter(({ event }) => event !== "DELETED");
  expect(violated(report)).toEqual([]);
  expect(verdicts.map(({ invariant }) => invariant)).toEqual(
    expect.arrayContaining(["request-budget", "cluster-ip-stable"]),
  );
  expect(after).toHaveLength(3);
  expect(after.filter(({ ip = "" }) => before.has(ip))).toEqual([]);
  expect(history.operations.length).toBeGreaterThan(1000);
  expect(history.operations.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
});

row(80, async () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const configuration = readFileSync("jest.config.mjs", "utf8");
  const report = await run(await readScenarioFile("simulation/scenarios/upheaval.yaml"));

  expect(scripts["test"]).toBe("node cli/bootstrap.mjs test");
  expect(configuration).toContain('testMatch: ["**/*.test.ts"]');
  const parts = [
    "proxy-sim/rules.test.ts",
    "tests/controllers/lifecycle.test.ts",
    "tests/e2e/processes.test.ts",
  ];
  for (const part of parts) expect(readFileSync(part, "utf8")).toMatch(/\btest(\.each)?\(/);
  // Processes are killed and paused while pods come and go; all of it comes back.
  const held = report.verdicts.filter(({ verdict }) => verdict.held).map(({ invariant }) => invariant);
  expect(held).toEqual(expect.arrayContaining(["recovery", "cluster-ip-stable"]));
  const made = report.history.faults
    .filter(({ outcome }) => outcome === "injected")
    .map(({ fault }) => fault);
  expect(new Set(made)).toEqual(new Set(["kill-pod", "process-kill", "process-pause"]));
  expect(report.history.recovery).toMatchObject({
    deploymentsAvailable: true,
    tablesAgree: true,
    heldFaults: [],
  });
});

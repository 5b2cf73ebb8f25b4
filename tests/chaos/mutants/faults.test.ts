import { expect, test } from "@jest/globals";
import { newTarget, newTrigger } from "../../../chaos/scenario/defaults.js";
import { aFault, judgedRun, killer, withProbe } from "./judged-run.js";

// Some faults are made to break an invariant: it must say so while they act.

test("rules that never take effect violate tables-as-seen", async () => {
  const { verdict } = await judgedRun({
    invariants: ["tables-as-seen"],
    faults: [killer(), aFault("proxy-partial-sync", { target: newTarget(), parameters: { share: 100 } })],
  });

  expect(verdict("tables-as-seen").violations[0]).toMatch(
    /node-\d, table \d+: default\/web:http is .* should be/,
  );
});

test("two pods that are given one address violate unique-pod-ips", async () => {
  const { verdict } = await judgedRun({
    invariants: ["unique-pod-ips"],
    faults: [
      aFault("duplicate-ip", {
        trigger: newTrigger({ startMs: { min: 500, max: 500 }, untilMs: 9000 }),
        durationMs: { min: 8000, max: 8000 },
      }),
    ],
    scenario: { manifests: withProbe({ replicas: 6 }), durationMs: 10_000 },
  });

  expect(verdict("unique-pod-ips").violations[0]).toMatch(
    /got 10\.244\.\d+\.\d+, which default\/web-\S+ had too/,
  );
});

import { expect, test } from "@jest/globals";
import { type ScenarioDocument, shrink } from "./shrink.js";

interface Spec {
  duration: string;
  steps: { name: string; every?: string; times?: number; duration?: string }[];
  traffic: { name: string; perSecond: number }[];
}

const document: ScenarioDocument = {
  kind: "Scenario",
  spec: {
    duration: "40s",
    steps: [
      { name: "a", every: "1s" },
      { name: "b", duration: "8s" },
      { name: "c" },
      { name: "d" },
      { name: "culprit", every: "2s", duration: "4s" },
    ],
    traffic: [
      { name: "needed", perSecond: 50 },
      { name: "idle", perSecond: 20 },
    ],
  },
};
const seconds = (text = "0s"): number => Number.parseFloat(text) / (text.endsWith("ms") ? 1000 : 1);
const specOf = (found: ScenarioDocument): Spec => found["spec"] as Spec;

test("a violation that needs one step, twice, for a second, is shrunk to that", async () => {
  const { document: smallest, runs } = await shrink({
    document,
    limit: 200,
    failing: async (candidate) => {
      const { steps, traffic, duration } = specOf(candidate);
      const culprit = steps.find(({ name }) => name === "culprit");
      const fails =
        culprit !== undefined &&
        (culprit.times ?? 99) >= 2 &&
        seconds(culprit.duration) >= 1 &&
        seconds(duration) >= 10 &&
        traffic.some(({ name, perSecond }) => name === "needed" && perSecond >= 10);
      return fails ? candidate : undefined;
    },
  });

  const { steps, traffic, duration } = specOf(smallest);
  expect(steps).toEqual([{ name: "culprit", every: "2s", duration: "1s", times: 2 }]);
  expect(duration).toBe("10s");
  expect(traffic).toEqual([{ name: "needed", perSecond: 13 }]);
  expect(runs).toBeLessThan(200);
});

test("what cannot be made smaller stays as it is, and no more runs are made than allowed", async () => {
  let runs = 0;
  const { document: same } = await shrink({
    document,
    limit: 5,
    failing: async () => {
      runs += 1;
      return undefined;
    },
  });

  expect(same).toBe(document);
  expect(runs).toBe(5);
});

import { expect, test } from "@jest/globals";
import { toMessage } from "../machinery/api/field-error.js";
import { parseScenario } from "./scenario.js";

const vocabulary = { faults: ["kill-pod"], invariants: ["request-budget"] };
const parse = (spec: object) =>
  parseScenario(
    { apiVersion: "chaos.kubesim.dev/v1", kind: "Scenario", metadata: { name: "x" }, spec },
    vocabulary,
  );
const fault = { fault: "kill-pod", every: "1s-3s", target: { selector: "app=web" } };

test("durations and ranges become milliseconds, defaults are filled in", () => {
  const { scenario, errors } = parse({ seed: 7, duration: "20s", faults: [{ ...fault, after: "500ms" }] });

  expect(errors).toEqual([]);
  expect(scenario).toMatchObject({ seed: "7", durationMs: 20_000, budgets: { failedRequests: 0 } });
  expect(scenario.faults[0]).toMatchObject({
    name: "kill-pod",
    trigger: {
      startMs: { min: 500, max: 500 },
      untilMs: 20_000,
      repeat: { everyMs: { min: 1000, max: 3000 } },
    },
    target: { namespace: "default", mode: "one" },
  });
});

test.each([
  [{ durration: "3s" }, 'spec.durration: Forbidden: unknown field; did you mean "duration"?'],
  [{ faults: [{ ...fault, fault: "kil-pod" }] }, 'did you mean "kill-pod"?'],
  [{ faults: [{ ...fault, target: {} }] }, "spec.faults[0].target.selector: Required value"],
  [{ faults: [{ ...fault, every: "3s-1s" }] }, "must be a duration such as 2s, or a range such as 1s-3s"],
  [{ duration: "soon" }, "must be a duration such as 500ms, 2s or 1m"],
  [{ invariants: ["request-budgets"] }, 'did you mean "request-budget"?'],
  [{ traffic: [{ name: "a", from: "host" }] }, "spec.traffic[0].service: Required value"],
])("a mistake is told with its path and a suggestion: %j", (spec, message) => {
  expect(parse(spec).errors.map(toMessage).join("\n")).toContain(message);
});

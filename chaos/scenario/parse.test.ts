import { expect, test } from "@jest/globals";
import { toMessage } from "../../machinery/api/field-error.js";
import { parseScenario } from "./parse.js";
import type { Vocabulary } from "./vocabulary.js";

const vocabulary: Vocabulary = {
  faults: [
    {
      name: "kill-pod",
      summary: "",
      layer: "pod",
      targets: "pods",
      momentary: true,
      parameters: { gracePeriodSeconds: { type: "number", help: "", optional: true } },
    },
    {
      name: "stall-proxy",
      summary: "",
      layer: "proxy",
      targets: "nodes",
      parameters: {
        lag: { type: "duration", help: "", default: "2s" },
        share: { type: "percent", help: "", default: 100 },
        mode: { type: "choice", help: "", choices: ["stall", "slow"], default: "stall" },
      },
    },
    { name: "pause", summary: "", layer: "clock", targets: "component", parameters: {} },
    { name: "cut", summary: "", layer: "network", targets: "links", parameters: {} },
    {
      name: "apply",
      summary: "",
      layer: "change",
      targets: "none",
      momentary: true,
      parameters: { objects: { type: "objects", help: "" } },
    },
  ],
  checkers: [
    { name: "request-budget", summary: "" },
    {
      name: "converge",
      summary: "",
      parameters: { deadline: { type: "duration", help: "", default: "5s" } },
    },
  ],
};
const parse = (spec: object, more: object = {}) =>
  parseScenario(
    { apiVersion: "chaos.kubesim.dev/v1", kind: "Scenario", metadata: { name: "x" }, spec, ...more },
    vocabulary,
  );
const errorsOf = (spec: object): string => parse(spec).errors.map(toMessage).join("\n");
const fault = { fault: "kill-pod", every: "1s-3s", target: { selector: "app=web" } };
const stall = { fault: "stall-proxy", target: { node: "node-1" } };

test("durations and ranges become milliseconds, defaults are filled in", () => {
  const { scenario, errors } = parse({ seed: 7, duration: "20s", faults: [{ ...fault, after: "500ms" }] });

  expect(errors).toEqual([]);
  expect(scenario).toMatchObject({ seed: "7", durationMs: 20_000, steadyState: { deployments: true } });
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

test("a step starts at a time, in a window, after another step, and when a condition holds", () => {
  const { scenario, errors } = parse({
    faults: [
      { ...stall, name: "a", at: "1s", duration: "2s-4s" },
      { ...stall, name: "b", target: { node: "node-2" }, between: ["5s", "9s"], until: "20s" },
      { ...fault, name: "c", after: "a", when: "deployment/web in shop available == 2", timeout: "3s" },
      { ...fault, name: "d", after: { step: "a", event: "injected", delay: "1s" }, jitter: "10%", times: 3 },
    ],
  });

  expect(errors).toEqual([]);
  expect(scenario.faults.map(({ trigger }) => trigger)).toMatchObject([
    { startMs: { min: 1000, max: 1000 } },
    { startMs: { min: 5000, max: 9000 }, untilMs: 20_000 },
    {
      after: { step: "a", event: "healed" },
      when: {
        timeoutMs: 3000,
        condition: {
          resource: "deployment",
          name: "web",
          namespace: "shop",
          check: { kind: "field", path: "available", comparison: { comparator: "==", value: "2" } },
        },
      },
    },
    {
      after: { step: "a", event: "injected" },
      startMs: { min: 1000, max: 1000 },
      repeat: { jitterMs: 100, times: 3 },
    },
  ]);
  expect(scenario.faults[0]?.durationMs).toEqual({ min: 2000, max: 4000 });
});

test("parameters are checked against the fault's own, and defaults reach it in milliseconds", () => {
  const { scenario, errors } = parse({
    faults: [{ ...stall, parameters: { share: "25%" } }],
    invariants: ["request-budget", { name: "converge", parameters: { deadline: "1m" } }],
  });

  expect(errors).toEqual([]);
  expect(scenario.faults[0]?.parameters).toEqual({ lag: 2000, share: 25, mode: "stall" });
  expect(scenario.invariants[1]).toEqual({ name: "converge", parameters: { deadline: 60_000 } });
});

test("steps without a name are numbered from the second on", () => {
  expect(parse({ faults: [fault, fault], steps: [fault] }).scenario.faults.map(({ name }) => name)).toEqual([
    "kill-pod",
    "kill-pod-2",
    "kill-pod-3",
  ]);
});

test("count and percent say the mode of a target", () => {
  const targetOf = (target: object) =>
    parse({ faults: [{ ...fault, target: { selector: "a", ...target } }] }).scenario.faults[0]?.target;

  expect(targetOf({ count: 2 })).toMatchObject({ mode: "count", count: 2 });
  expect(targetOf({ percent: "30%" })).toMatchObject({ mode: "percent", percent: 30 });
  expect(targetOf({ mode: "fixed", count: 3 })).toMatchObject({ mode: "count", count: 3 });
});

test("objects of a parameter stand in the scenario or in a file that it names", () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
  const read = { ...vocabulary, readObjects: () => [object] };
  const document = (objects: unknown) => ({
    apiVersion: "chaos.kubesim.dev/v1",
    kind: "Scenario",
    metadata: { name: "x" },
    spec: { faults: [{ action: "apply", parameters: { objects } }] },
  });

  const { scenario, errors } = parseScenario(document([object, "a.yaml"]), read);

  expect(errors).toEqual([]);
  expect(scenario.faults[0]?.parameters.objects).toEqual([object, object]);
});

test("probes, budgets and the cluster's shape are read", () => {
  const { scenario, errors } = parse({
    cluster: { nodes: 5, zones: ["a", "b"], proxyMode: "ipvs", latencies: { api: "1ms-5ms" } },
    probes: [
      { name: "front", http: { service: "web", body: { comparator: "contains", value: "ok" } } },
      { name: "three", mode: "edge", kubernetes: "pods[app=web] count == 3" },
    ],
    budgets: { failedRatio: "1%", latencyP99: "200ms", tablesAgreeWithin: "2s" },
    steadyState: { conditions: ["pod/x absent"], timeout: "5s" },
  });

  expect(errors).toEqual([]);
  expect(scenario.cluster).toMatchObject({ nodes: 5, latencies: { apiMs: { min: 1, max: 5 } } });
  expect(scenario.probes.map(({ probe }) => probe.kind)).toEqual(["http", "kubernetes"]);
  expect(scenario.budgets).toEqual({ failedRatio: 0.01, latencyP99Ms: 200, tablesAgreeWithinMs: 2000 });
  expect(scenario.steadyState).toMatchObject({ timeoutMs: 5000, deployments: true });
});

test.each([
  [{ durration: "3s" }, 'spec.durration: Forbidden: unknown field; did you mean "duration"?'],
  [{ faults: [{ ...fault, fault: "kil-pod" }] }, 'did you mean "kill-pod"?'],
  [{ faults: [{ ...fault, target: {} }] }, "spec.faults[0].target.selector: Required value"],
  [{ faults: [{ ...fault, every: "3s-1s" }] }, "must be a duration such as 2s, or a range such as 1s-3s"],
  [{ faults: [{ target: { selector: "a" } }] }, "spec.faults[0].fault: Required value"],
  [{ duration: "soon" }, 'spec.duration: Invalid value: "soon": must be a duration such as 500ms, 2s or 1m'],
  [{ invariants: ["request-budgets"] }, 'did you mean "request-budget"?'],
  [{ traffic: [{ name: "a", from: "host" }] }, "spec.traffic[0].service: Required value"],
  [
    { traffic: [{ name: "a", url: "http://x", perSecond: 10_000, clients: 10 }] },
    "spec.traffic: Invalid value: 3000000: so many requests would be sent",
  ],
  [{ traffic: [{ name: "a", url: "ftp://x" }] }, "must be http://…, udp://host:port or dns://name"],
  [{ traffic: [{ name: "a", url: "http://x", perSecnd: 3 }] }, 'did you mean "perSecond"?'],
  [
    { faults: [{ ...fault, target: { selector: "app in web" } }] },
    "spec.faults[0].target.selector: Invalid value",
  ],
  [
    { faults: [{ ...fault, target: { selector: "a", count: 2, mode: "one" } }] },
    "only with mode count, not one",
  ],
  [{ faults: [{ ...fault, when: "deployment/web available" }] }, "must be a condition such as"],
  [{ faults: [{ ...fault, when: "deploymnt/web present" }] }, 'did you mean "deployment"?'],
  [{ probes: [{ name: "a" }] }, "spec.probes[0]: Required value: exactly one of http, command"],
])("a mistake is told with its path and a suggestion: %j", (spec, message) => {
  expect(errorsOf(spec)).toContain(message);
});

test.each([
  [
    { ...stall, parameters: { lagg: "1s" } },
    'parameters.lagg: Forbidden: unknown field; did you mean "lag"?',
  ],
  [{ ...stall, parameters: { lag: 5 } }, "parameters.lag: Invalid value: 5: must be a duration"],
  [{ ...stall, parameters: { share: "120%" } }, 'parameters.share: Invalid value: "120%"'],
  [{ ...stall, parameters: { mode: "stal" } }, 'did you mean "stall"?'],
  [{ action: "apply", parameters: {} }, "parameters.objects: Required value"],
  [
    { action: "apply", parameters: { objects: { kind: "Pod" } } },
    "a Kubernetes object has apiVersion, kind and metadata.name",
  ],
  [{ action: "apply", parameters: { objects: "a.yaml" } }, "must be a Kubernetes object"],
])("a fault's parameters are checked: %j", (step, message) => {
  expect(errorsOf({ faults: [step] })).toContain(message);
});

test.each([
  [
    [{ ...stall, at: "9s", until: "5s" }],
    'spec.faults[0].until: Invalid value: "5s": before the step starts at 9s',
  ],
  [[{ ...stall, at: "40s" }], 'spec.faults[0].at: Invalid value: "40s": after the run, which lasts 30s'],
  [[{ ...stall, until: "40s" }], "after the run, which lasts 30s"],
  [[{ ...fault, every: "40s" }], 'spec.faults[0].every: Invalid value: "40s": the first would come after'],
  [[{ ...fault, duration: "1s" }], "spec.faults[0].duration: Forbidden: kill-pod is done at once"],
  [[{ ...stall, duration: "1s", until: "9s" }], "spec.faults[0].until: Forbidden: may not be given together"],
  [
    [{ ...stall, at: "1s", after: "2s" }],
    "spec.faults[0].after: Forbidden: may not be given together with at",
  ],
  [[{ ...stall, jitter: "1s" }], "spec.faults[0].jitter: Forbidden: only with every"],
  [
    [
      { ...stall, name: "a", after: "b" },
      { ...fault, name: "bb" },
    ],
    'no step has this name; steps are "bb"; did you mean "bb"?',
  ],
  [
    [
      { ...stall, name: "a", after: "b" },
      { ...fault, name: "b", after: "a" },
    ],
    "steps wait for each other: a → b → a",
  ],
  [[{ ...stall, name: "a", after: "a" }], "steps wait for each other: a → a"],
  [[{ fault: "pause", target: {} }], "spec.faults[0].target.component: Required value"],
  [[{ fault: "cut", target: {} }], "spec.faults[0].target.from: Required value: or to"],
  [[{ action: "apply", target: { node: "x" }, parameters: { objects: {} } }], "apply takes no target"],
  [[{ ...stall, target: { phase: "Running" } }], "stall-proxy hits nodes, which this does not select"],
  [
    [
      { ...stall, target: { name: "node-1" }, at: "1s", until: "9s" },
      { ...stall, target: { name: "node-1" }, at: "3s", duration: "1s" },
    ],
    'spec.faults[1]: Forbidden: hits the same target as step "stall-proxy" while that is held',
  ],
  [
    [{ ...stall, target: { mode: "all" }, every: "2s", duration: "5s" }],
    "comes again before the last one is healed",
  ],
  [
    [
      { ...stall, name: "a" },
      { ...fault, name: "a" },
    ],
    'spec.faults[1].name: Duplicate value: "a"',
  ],
])("contradictory steps are refused: %j", (faults, message) => {
  expect(errorsOf({ faults })).toContain(message);
});

test("steps on one target one after the other are no contradiction", () => {
  const one = { ...stall, target: { name: "node-1" } };
  expect(
    errorsOf({
      faults: [
        { ...one, at: "1s", duration: "2s" },
        { ...one, at: "3s", duration: "2s" },
      ],
    }),
  ).toBe("");
});

test("a step that waits for one with a mistake has none itself", () => {
  const faults = [
    { name: "a", fault: "paus" },
    { ...fault, after: "a" },
  ];

  expect(parse({ faults }).errors.map(toMessage)).toEqual([expect.stringContaining('did you mean "pause"?')]);
});

test("every mistake is told at once", () => {
  const { errors } = parseScenario({ kind: "Scenari", spec: { duration: 3, faults: [{}] } }, vocabulary);

  expect(errors.map(({ field }) => field)).toEqual([
    "metadata",
    "apiVersion",
    "kind",
    "metadata.name",
    "spec.duration",
    "spec.faults[0].fault",
  ]);
});

import type { FaultSpec, Scenario, TargetSpec, TrafficSpec, Trigger } from "./types.js";

export const DEFAULT_DURATION_MS = 30_000;

/** Traffic as a file that says no more would give it. */
export const newTraffic = (
  given: Partial<TrafficSpec> & Pick<TrafficSpec, "name" | "from">,
): TrafficSpec => ({
  namespace: "default",
  clients: 1,
  loop: "open",
  perSecond: 10,
  thinkMs: { min: 0, max: 0 },
  rampMs: 0,
  timeoutMs: 2000,
  keepAlive: false,
  method: "GET",
  path: "/",
  headers: {},
  expectStatus: [200],
  startMs: 0,
  ...given,
});

export const newTarget = (given: Partial<TargetSpec> = {}): TargetSpec => ({
  namespace: "default",
  exclude: [],
  direction: "both",
  mode: "one",
  count: 1,
  percent: 100,
  optional: false,
  ...given,
});

export const newTrigger = (given: Partial<Trigger> = {}): Trigger => ({
  startMs: { min: 0, max: 0 },
  probability: 100,
  untilMs: DEFAULT_DURATION_MS,
  ...given,
});

export const newFaultSpec = (given: Partial<FaultSpec> & Pick<FaultSpec, "fault">): FaultSpec => ({
  name: given.fault,
  trigger: newTrigger(),
  target: newTarget(),
  parameters: {},
  ...given,
});

export const newScenario = (given: Partial<Scenario> & Pick<Scenario, "name">): Scenario => ({
  seed: "0",
  durationMs: DEFAULT_DURATION_MS,
  deadlineMs: 15 * 60_000,
  cluster: {},
  manifests: [],
  traffic: [],
  faults: [],
  probes: [],
  invariants: [],
  budgets: {},
  steadyState: { deployments: true, conditions: [], timeoutMs: 60_000 },
  ...given,
});

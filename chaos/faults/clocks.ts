import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault } from "../point-fault.js";
import { chooseComponent } from "../targets.js";

interface ClockKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const back: ParameterSpec = { type: "flag", help: "behind instead of ahead", default: false };
const signed = (parameters: Record<string, unknown>, value: unknown): number =>
  parameters["behind"] === true ? -Number(value) : Number(value);

const kinds: readonly ClockKind[] = [
  {
    name: "clock-skew",
    summary: "a component's wall clock is wrong; it jumps there, and back at the end",
    parameters: { offset: { type: "duration", help: "by so much" }, behind: back },
    toPoint: (parameters) => ({ offsetMs: signed(parameters, parameters["offset"]) }),
  },
  {
    name: "clock-drift",
    summary: "a component's time runs fast or slow: leases and probes too",
    parameters: { share: { type: "percent", help: "how much faster" }, behind: back },
    toPoint: (parameters) => ({ drift: signed(parameters, parameters["share"]) / 100 }),
  },
  {
    name: "clock-strobe",
    summary: "a component's wall clock jumps to and fro",
    parameters: {
      offset: { type: "duration", help: "by so much" },
      every: { type: "duration", help: "a jump after so long", default: "1s" },
    },
    toPoint: ({ offset, every }) => ({ offsetMs: offset, strobeMs: every }),
  },
];

/** Clocks of components: target `component`. A clock that stands still is `process-pause`. */
export const clockFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "clock",
    targets: "component",
    parameters,
    claims: ({ hits }) => hits.map((component) => `clock of ${component}`),
    choose: (_context, spec) => {
      const component = chooseComponent(spec.target);
      return Promise.resolve({
        leases: [{ component, point: "clock", parameters: toPoint(spec.parameters) }],
        hits: [component],
      });
    },
  }),
);

import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import type { Component } from "../reach.js";
import { chooseComponent } from "../targets.js";
import { chooseApiClients } from "./api-clients.js";

interface StressKind {
  name: string;
  summary: string;
  point: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const kinds: readonly StressKind[] = [
  {
    name: "cpu-stress",
    summary: "a component's event loop is busy for a share of the time: everything that it does comes later",
    point: "cpu",
    parameters: { share: { type: "percent", help: "of each tenth of a second, at most 95%" } },
    toPoint: ({ share }) => ({ percent: share }),
  },
  {
    name: "memory-stress",
    summary:
      "a component holds more memory (simulated: its garbage collector stands in the way, a millisecond each second for 4 MiB)",
    point: "memory",
    parameters: { mib: { type: "number", help: "how much, in MiB", default: 128, min: 1, max: 512 } },
    toPoint: ({ mib }) => ({ mib }),
  },
];

const stress: readonly Fault[] = kinds.map(({ name, summary, point, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "resource",
    targets: "component",
    parameters,
    choose: (_context, spec) => {
      const component = chooseComponent(spec.target);
      return Promise.resolve({
        leases: [{ component, point, parameters: toPoint(spec.parameters) }],
        hits: [component],
      });
    },
  }),
);

const ioStress = definePointFault({
  name: "io-stress",
  summary: "the API server's disk is busy with others: each commit waits for it, now more, now less",
  layer: "resource",
  targets: "none",
  parameters: {
    delay: { type: "duration", help: "at least", default: "20ms" },
    jitter: { type: "duration", help: "at most so much more, drawn anew", default: "200ms" },
  },
  choose: (_context, { parameters: { delay, jitter } }) =>
    Promise.resolve({
      leases: [
        {
          component: "apiserver" as const,
          point: "store",
          parameters: { fsyncMinMs: delay, fsyncMaxMs: Number(delay) + Number(jitter) },
        },
      ],
      hits: ["store"],
    }),
});

/** Those who accept connections, and their fault points. */
const SERVERS: Readonly<Record<string, { component: Component; point: string }>> = {
  apiserver: { component: "apiserver", point: "requests" },
  dataplane: { component: "dataplane", point: "descriptors" },
};

const fdExhaustion = definePointFault({
  name: "fd-exhaustion",
  summary:
    "a component has no file descriptors left: beyond a number the API server and the data plane accept, and others open, no more connections",
  layer: "resource",
  targets: "component",
  parameters: { most: { type: "number", help: "connections since the fault began, at one time", min: 0 } },
  async choose(context, { target, parameters: { most } }) {
    const server = SERVERS[target.component ?? ""];
    if (server) return { leases: [{ ...server, parameters: { most } }], hits: [server.component] };
    const chosen = await chooseApiClients(context, target);
    if (!chosen) return undefined;
    const { component, clients } = chosen;
    const parameters = given({ most, clients });
    return { leases: [{ component, point: "descriptors", parameters }], hits: clients ?? [component] };
  },
});

/** Components that are short of something. */
export const resourceFaults: readonly Fault[] = [...stress, ioStress, fdExhaustion];

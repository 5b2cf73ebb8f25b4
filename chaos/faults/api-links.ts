import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import { chooseApiClients } from "./api-clients.js";

interface LinkKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const kinds: readonly LinkKind[] = [
  {
    name: "api-partition",
    summary: "a component no longer reaches the API server, or no longer hears it",
    parameters: {
      direction: {
        type: "choice",
        help: "to: requests are lost; from: they act, but answers and watch events are lost; both",
        choices: ["to", "from", "both"],
        default: "both",
      },
      reset: { type: "flag", help: "connections fail at once instead of timing out", default: false },
    },
    toPoint: ({ direction, reset }) => ({ cut: direction, reset }),
  },
  {
    name: "api-slow",
    summary: "requests of a component to the API server and their answers are late",
    parameters: {
      delay: { type: "duration", help: "of each request and each answer" },
      jitter: { type: "duration", help: "at most so much more, drawn anew", default: "0s" },
    },
    toPoint: ({ delay, jitter }) => ({ delayMs: delay, jitterMs: jitter }),
  },
  {
    name: "api-loss",
    summary: "a share of a component's requests to the API server is lost",
    parameters: {
      share: { type: "percent", help: "how many" },
      reset: { type: "flag", help: "they fail at once instead of timing out", default: true },
    },
    toPoint: ({ share, reset }) => ({ lossPercent: share, reset }),
  },
];

/** The ways between components and the API server: target a component; for kubelets also node, zone or selector. */
export const apiLinkFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "network",
    targets: "component",
    parameters,
    async choose(context, spec) {
      const chosen = await chooseApiClients(context, spec.target);
      if (!chosen) return undefined;
      const { component, clients } = chosen;
      return {
        leases: [
          { component, point: "api-link", parameters: given({ ...toPoint(spec.parameters), clients }) },
        ],
        hits: clients ?? [component],
      };
    },
  }),
);

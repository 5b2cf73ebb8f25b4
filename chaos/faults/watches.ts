import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import { chooseApiClients, resourcesParameter } from "./api-clients.js";

interface WatchFaultKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  /** From the scenario's parameters to the fault point's. */
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const percent = (help: string): ParameterSpec => ({ type: "percent", help, default: "100%" });

const kinds: readonly WatchFaultKind[] = [
  {
    name: "watch-lag",
    summary: "every watch event comes late, in order",
    parameters: { lag: { type: "duration", help: "how late" } },
    toPoint: ({ lag }) => ({ lagMs: lag }),
  },
  {
    name: "watch-drop",
    summary: "watch events are lost; their watcher stays wrong until it lists again",
    parameters: { share: percent("how many") },
    toPoint: ({ share }) => ({ dropPercent: share }),
  },
  {
    name: "watch-duplicate",
    summary: "watch events come twice",
    parameters: { share: percent("how many") },
    toPoint: ({ share }) => ({ duplicatePercent: share }),
  },
  {
    name: "watch-reorder",
    summary: "watch events change places with the next one",
    parameters: { share: percent("how many") },
    toPoint: ({ share }) => ({ reorderPercent: share }),
  },
  {
    name: "watch-disconnect",
    summary: "open watches are reset, once or again and again",
    parameters: { every: { type: "duration", help: "reset them again after so long", optional: true } },
    toPoint: ({ every }) => ({ disconnect: true, everyMs: every }),
  },
  {
    name: "watch-expired",
    summary: "every watch is answered with 410 Expired, so that its client lists again",
    parameters: {},
    toPoint: () => ({ expired: true }),
  },
  {
    name: "bookmark-starvation",
    summary: "watches get no bookmarks: after a pause their version is too old to resume from",
    parameters: {},
    toPoint: () => ({ starveBookmarks: true }),
  },
  {
    name: "slow-watcher",
    summary: "a client stops reading its watches, until the server ends them",
    parameters: {},
    toPoint: () => ({ stalled: true }),
  },
];

/** Watches that lie to a component: target a component (default proxy); for kubelets also node, zone or selector. */
export const watchFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "watch",
    targets: "component",
    parameters: { ...parameters, resources: resourcesParameter },
    async choose(context, spec) {
      const chosen = await chooseApiClients(context, spec.target);
      if (!chosen) return undefined;
      const { component, clients } = chosen;
      const { resources } = spec.parameters;
      return {
        leases: [
          {
            component,
            point: "watch",
            parameters: given({ ...toPoint(spec.parameters), clients, resources }),
          },
        ],
        hits: clients ?? [component],
      };
    },
  }),
);

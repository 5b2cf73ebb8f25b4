import { defineFault, type Fault, type ParameterSpec } from "../fault.js";
import { definePointFault } from "../point-fault.js";

const ENDPOINTS = ["endpointslice", "endpoints", "endpointslicemirroring"];

const controllers: ParameterSpec = {
  type: "texts",
  help: "such as endpointslice, deployment, replicaset, scheduler, nodelifecycle, garbagecollector",
};

interface ControllerKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => { controllers: string[]; [name: string]: unknown };
}

const kinds: readonly ControllerKind[] = [
  {
    name: "endpoints-slow",
    summary:
      "the endpoints controllers gather changes for a while before they write them, as with a long --endpoint-updates-batch-period",
    parameters: { period: { type: "duration", help: "from a change to its write" } },
    toPoint: ({ period }) => ({ controllers: ENDPOINTS, delayMs: period }),
  },
  {
    name: "controller-slow",
    summary: "controllers look at what has changed late, once for all that came meanwhile",
    parameters: { controllers, delay: { type: "duration", help: "how late" } },
    toPoint: ({ controllers: names, delay }) => ({ controllers: names as string[], delayMs: delay }),
  },
  {
    name: "controller-pause",
    summary: "controllers do nothing, while the others go on; at the end they catch up",
    parameters: { controllers },
    toPoint: ({ controllers: names }) => ({ controllers: names as string[], paused: true }),
  },
];

const paced: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "controllers",
    targets: "none",
    parameters,
    choose: (_context, spec) => {
      const point = toPoint(spec.parameters);
      return Promise.resolve({
        leases: [{ component: "controllers" as const, point: "controller", parameters: point }],
        hits: point.controllers,
      });
    },
  }),
);

/** What controllers list and watch; their leases stay with the leader, or they would lose them. */
const CACHED = ["pods", "nodes", "services", "endpoints", "endpointslices", "replicasets", "deployments"];

const staleStart = defineFault<{ lagMs: number }>({
  name: "stale-start",
  summary:
    "the controllers begin anew while their reads come from a replica that is behind: they act on a past that they take for now",
  layer: "controllers",
  targets: "none",
  parameters: { lag: { type: "duration", help: "how far the replica is behind" } },
  claims: () => ["replica of the API server"],
  choose: (_context, { parameters }) =>
    Promise.resolve<{ lagMs: number } | undefined>({ lagMs: Number(parameters.lag) }),
  async inject({ processes, components }, { lagMs }, { id, endsAtMs }) {
    const server = await processes.startReplica(lagMs);
    const parameters = { server, resources: CACHED };
    await components.hold("controllers", { id, point: "stale-reads", parameters, endsAtMs });
    await components.hold("controllers", {
      id: `${id}/start`,
      point: "start-over",
      parameters: {},
      endsAtMs,
    });
  },
  async heal({ processes, components }, _target, { id }) {
    await components.release("controllers", `${id}/start`);
    await components.release("controllers", id);
    await processes.stopReplica();
  },
});

/** Controllers that are slow, stand still, or begin with an old picture. */
export const controllerFaults: readonly Fault[] = [...paced, staleStart];

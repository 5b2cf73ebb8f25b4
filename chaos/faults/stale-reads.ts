import { defineFault } from "../fault.js";
import type { Component } from "../reach.js";
import { chooseApiClients, resourcesParameter } from "./api-clients.js";

interface Target {
  component: Component;
  clients?: string[];
  resources?: string[];
  lagMs: number;
}

const POINT = "stale-reads";

/** A component that reads from a replica of the API server which is behind: its lists and watches are of the past. */
export const staleReads = defineFault<Target>({
  name: "stale-reads",
  summary:
    "a component lists and watches from a read-only replica that is behind; its writes go to the API server",
  layer: "watch",
  targets: "component",
  parameters: {
    lag: { type: "duration", help: "how far the replica is behind" },
    resources: resourcesParameter,
  },
  claims: () => ["replica of the API server"],
  async choose(context, { target, parameters }) {
    const chosen = await chooseApiClients(context, target);
    if (!chosen) return undefined;
    const { lag, resources } = parameters as { lag: number; resources?: string[] };
    return { ...chosen, lagMs: lag, ...(resources ? { resources } : {}) };
  },
  async inject({ processes, components }, { component, clients, resources, lagMs }, { id, endsAtMs }) {
    const server = await processes.startReplica(lagMs);
    const parameters = { server, ...(clients ? { clients } : {}), ...(resources ? { resources } : {}) };
    await components.hold(component, { id, point: POINT, parameters, endsAtMs });
  },
  async heal({ processes, components }, { component }, { id }) {
    await components.release(component, id);
    await processes.stopReplica();
  },
});

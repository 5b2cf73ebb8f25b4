import type { Clock } from "../../machinery/api/clock.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { FaultLease } from "../../machinery/runtime/fault-points.js";
import type { Component, ComponentFaults, ProcessControl, Reach } from "../reach.js";

export interface FakeReach {
  reach: Reach;
  /** In their order: `kill proxy`, `hold proxy stall`, `release proxy a`. */
  calls: string[];
  /** What components hold now, by component and id. */
  leases: Map<string, FaultLease>;
}

/** Components and processes that only note what is asked of them. */
export function fakeReach(client: RestClient, clock: Clock): FakeReach {
  const calls: string[] = [];
  const leases = new Map<string, FaultLease>();
  const components: ComponentFaults = {
    async hold(component, lease) {
      calls.push(`hold ${component} ${lease.point}`);
      leases.set(`${component} ${lease.id}`, lease);
    },
    async release(component, id) {
      calls.push(`release ${component} ${id}`);
      leases.delete(`${component} ${id}`);
    },
    inspect: async (component, path) => heldBy(component, path, leases),
  };
  // Whatever a supervisor can do to a process, by name: more of it needs nothing here.
  const processes = new Proxy({} as ProcessControl, {
    get: (_, verb: string) => async (component: Component) => void calls.push(`${verb} ${component}`),
  });
  const reach = { client, clock, components, processes, signal: new AbortController().signal };
  return { reach: reach as unknown as Reach, calls, leases };
}

/** What a component's `GET /faults` answers; other paths answer with nothing. */
export const heldBy = (
  component: Component,
  path: string,
  leases: ReadonlyMap<string, FaultLease>,
): unknown =>
  path === "/faults"
    ? { held: [...leases].filter(([key]) => key.startsWith(`${component} `)).map(([, lease]) => lease) }
    : {};

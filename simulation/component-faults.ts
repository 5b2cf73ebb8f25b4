import type { Component, ComponentFaults } from "../chaos/reach.js";
import type { FaultLease } from "../machinery/runtime/fault-points.js";
import type { SimulatedProcesses } from "./processes.js";

/** The components' fault points and admin handlers, called directly. */
export class SimulatedComponents implements ComponentFaults {
  readonly #processes: SimulatedProcesses;

  constructor(processes: SimulatedProcesses) {
    this.#processes = processes;
  }

  async hold(component: Component, lease: FaultLease): Promise<void> {
    const { faults } = this.#processes.of(component);
    if (!faults) throw new RangeError(`${component} is not running`);
    faults.inject(lease);
  }

  async release(component: Component, id: string): Promise<void> {
    this.#processes.of(component).faults?.heal(id);
  }

  async inspect(component: Component, path: string): Promise<unknown> {
    const { handlers } = this.#processes.of(component);
    if (!handlers) throw new RangeError(`${component} is not running`);
    const [route = "", query = ""] = path.split("?");
    const handler = handlers[`GET ${route}`];
    if (!handler) throw new RangeError(`${component}: no such handler`);
    const { signal } = new AbortController();
    const answer = await handler({ query: new URLSearchParams(query), body: undefined, signal });
    // As it would come over a socket: text as it is, anything else as a copy that nobody shares.
    return typeof answer === "string" ? answer : JSON.parse(JSON.stringify(answer ?? {}));
  }
}

import type { Component, ProcessControl } from "../chaos/reach.js";
import { COMPONENTS } from "../chaos/reach.js";
import type { SimulatedProcess } from "./simulated-process.js";

/** Where the replica is: there is one. */
const REPLICA = "replica";

type Duplicated = "controllers" | "proxy";

export interface SimulatedProcessesOptions {
  processes: Readonly<Record<Component, SimulatedProcess>>;
  /** Makes a replica of the API server; it is not started yet. */
  newReplica: (lagMs: number) => SimulatedProcess;
  /** Makes the second instance of a component; it is not started yet. */
  newDuplicate: (component: Duplicated, split: boolean) => SimulatedProcess;
}

/** What a supervisor can do to the simulated processes, as it does to real ones. */
export class SimulatedProcesses implements ProcessControl {
  readonly #options: SimulatedProcessesOptions;
  readonly #duplicates = new Map<Duplicated, SimulatedProcess>();
  #replica: SimulatedProcess | undefined;

  constructor(options: SimulatedProcessesOptions) {
    this.#options = options;
  }

  of(component: Component): SimulatedProcess {
    return this.#options.processes[component];
  }

  get all(): readonly SimulatedProcess[] {
    const replica = this.#replica ? [this.#replica] : [];
    return [...COMPONENTS.map((component) => this.of(component)), ...this.#duplicates.values(), ...replica];
  }

  async kill(component: Component): Promise<void> {
    this.of(component).kill();
  }

  async restart(component: Component): Promise<void> {
    await this.of(component).terminate();
  }

  async stop(component: Component): Promise<void> {
    this.of(component).stop();
  }

  async start(component: Component): Promise<void> {
    this.of(component).start();
  }

  async pause(component: Component): Promise<void> {
    this.of(component).pause();
  }

  async resume(component: Component): Promise<void> {
    this.of(component).resume();
  }

  async duplicate(component: Duplicated, { split = false }: { split?: boolean } = {}): Promise<void> {
    if (this.#duplicates.has(component)) return;
    const second = this.#options.newDuplicate(component, split);
    this.#duplicates.set(component, second);
    second.launch();
  }

  async removeDuplicate(component: Duplicated): Promise<void> {
    const second = this.#duplicates.get(component);
    this.#duplicates.delete(component);
    second?.stop();
  }

  async startReplica(lagMs: number): Promise<string> {
    if (!this.#replica) {
      this.#replica = this.#options.newReplica(lagMs);
      this.#replica.launch();
    }
    return REPLICA;
  }

  async stopReplica(): Promise<void> {
    const replica = this.#replica;
    this.#replica = undefined;
    replica?.stop();
  }
}

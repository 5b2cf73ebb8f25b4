import type { Component, ProcessControl } from "../../chaos/reach.js";
import type { Child } from "./child.js";

export interface LiveProcessesOptions {
  /** Faults may be made; healing is always allowed. */
  enabled: boolean;
  childOf(component: Component): Child | undefined;
  /** Makes, without starting it, a second instance. */
  newDuplicate(component: "controllers" | "proxy", split: boolean): Child;
}

const GRACE_MS = 2000;

/** The supervised processes, as faults reach them: by signals. */
export class LiveProcesses implements ProcessControl {
  readonly #options: LiveProcessesOptions;
  readonly #duplicates = new Map<string, Child>();

  constructor(options: LiveProcessesOptions) {
    this.#options = options;
  }

  async kill(component: Component): Promise<void> {
    await this.#victim(component).end(0);
  }

  async restart(component: Component): Promise<void> {
    await this.#victim(component).end(GRACE_MS);
  }

  async stop(component: Component): Promise<void> {
    await this.#victim(component).stop(0);
  }

  async start(component: Component): Promise<void> {
    this.#options.childOf(component)?.resumeRuns();
  }

  async pause(component: Component): Promise<void> {
    this.#victim(component).setPaused(true);
  }

  async resume(component: Component): Promise<void> {
    this.#options.childOf(component)?.setPaused(false);
  }

  async duplicate(component: "controllers" | "proxy", { split = false } = {}): Promise<void> {
    this.#victim(component);
    if (this.#duplicates.has(component)) return;
    const second = this.#options.newDuplicate(component, split);
    this.#duplicates.set(component, second);
    second.start();
  }

  async removeDuplicate(component: "controllers" | "proxy"): Promise<void> {
    const second = this.#duplicates.get(component);
    this.#duplicates.delete(component);
    await second?.stop(GRACE_MS);
  }

  #victim(component: Component): Child {
    if (!this.#options.enabled) throw new RangeError("faults are off: start the cluster with --chaos");
    const child = this.#options.childOf(component);
    if (!child) throw new RangeError(`there is no process "${component}"`);
    return child;
  }
}

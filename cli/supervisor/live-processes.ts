import type { Component, ProcessControl } from "../../chaos/reach.js";
import type { Clock } from "../../machinery/api/clock.js";
import type { Child } from "./child.js";

export interface LiveProcessesOptions {
  /** Faults may be made; healing is always allowed. */
  enabled: boolean;
  childOf(component: Component): Child | undefined;
  /** Makes, without starting it, a second instance. */
  newDuplicate(component: "controllers" | "proxy", split: boolean): Child;
  newReplica(lagMs: number): Child;
  /** Where it serves; undefined while it does not. */
  replicaAddress(): Promise<string | undefined>;
  clock: Clock;
}

const GRACE_MS = 2000;
const POLL_MS = 20;
const REPLICA_START_MS = 10_000;

/** The supervised processes, as faults reach them: by signals. */
export class LiveProcesses implements ProcessControl {
  readonly #options: LiveProcessesOptions;
  readonly #duplicates = new Map<string, Child>();
  #replica: Child | undefined;

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

  async startReplica(lagMs: number): Promise<string> {
    this.#mayBreak();
    const { clock } = this.#options;
    this.#replica ??= this.#options.newReplica(lagMs);
    if (this.#replica.pid === undefined) this.#replica.start();
    const untilMs = clock.monotonicMs() + REPLICA_START_MS;
    for (;;) {
      const address = await this.#options.replicaAddress();
      if (address !== undefined) return address;
      if (clock.monotonicMs() > untilMs) throw new RangeError("the replica does not start");
      await clock.sleep(POLL_MS);
    }
  }

  async stopReplica(): Promise<void> {
    const replica = this.#replica;
    this.#replica = undefined;
    await replica?.stop(GRACE_MS);
  }

  #mayBreak(): void {
    if (!this.#options.enabled) throw new RangeError("faults are off: start the cluster with --chaos");
  }

  #victim(component: Component): Child {
    this.#mayBreak();
    const child = this.#options.childOf(component);
    if (!child) throw new RangeError(`there is no process "${component}"`);
    return child;
  }
}

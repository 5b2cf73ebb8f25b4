import type { RestClient } from "../machinery/client/rest-client.js";
import type { Clock } from "../machinery/api/clock.js";
import type { Rng } from "../machinery/api/rng.js";
import type { FaultSpec } from "./scenario.js";

/** What a fault may reach. */
export interface FaultContext {
  client: RestClient;
  clock: Clock;
  rng: Rng;
  signal: AbortSignal;
}

/**
 * Something that breaks. `choose` draws a target that is plain JSON; undefined when there is nothing to hit. `heal` is
 * idempotent and needs only that target.
 */
export interface Fault<Target = unknown> {
  name: string;
  summary: string;
  choose(context: FaultContext, spec: FaultSpec): Promise<Target | undefined>;
  inject(context: FaultContext, target: Target, spec: FaultSpec): Promise<void>;
  heal(context: FaultContext, target: Target): Promise<void>;
}

export const defineFault = <Target>(fault: Fault<Target>): Fault => fault as Fault;

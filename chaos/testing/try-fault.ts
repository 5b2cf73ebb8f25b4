import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import type { Fault } from "../fault.js";
import { withDefaults } from "../parameters.js";
import { newFaultSpec, newTarget } from "../scenario/defaults.js";
import type { TargetSpec } from "../scenario/types.js";
import { type FakeClient, fakeClient } from "./fake-client.js";
import { type FakeReach, fakeReach } from "./fake-reach.js";

export interface FaultTry {
  objects?: readonly KubeObject[];
  target?: Partial<TargetSpec>;
  parameters?: Record<string, unknown>;
  seed?: string;
}

/** A fault in the world of fakes: choose, inject and heal it, and see what it asked for. */
export interface TriedFault {
  target: unknown;
  /** What the client was asked to change, and what components and processes were asked for, in the order of each. */
  client: FakeClient;
  reached: FakeReach;
  inject(): Promise<void>;
  /** Heals twice, as may happen after a crash: that must be no error. */
  heal(): Promise<void>;
}

/**
 * Chooses. The target is passed through JSON, as the journal does: what is not plain JSON is lost, and the try shows it.
 */
export async function tryFault(fault: Fault, given: FaultTry = {}): Promise<TriedFault> {
  const clock = new VirtualClock();
  const client = fakeClient(given.objects ?? []);
  const reached = fakeReach(client.client, clock);
  const spec = newFaultSpec({
    fault: fault.name,
    target: newTarget(given.target),
    parameters: withDefaults(fault.parameters, given.parameters ?? {}),
  });
  const chosen = await fault.choose(
    { client: client.client, clock, rng: seededRng(given.seed ?? "1") },
    spec,
  );
  const target: unknown = chosen === undefined ? undefined : JSON.parse(JSON.stringify(chosen));
  const injection = { id: "try", endsAtMs: clock.nowMs() + 10_000 };
  return {
    target,
    client,
    reached,
    inject: () => fault.inject(reached.reach, target, injection),
    async heal() {
      await fault.heal(reached.reach, target, injection);
      await fault.heal(reached.reach, target, injection);
    },
  };
}

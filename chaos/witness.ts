import { setMaxListeners } from "node:events";
import type { Clock } from "../machinery/api/clock.js";
import type { Rng } from "../machinery/api/rng.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { Evidence } from "./evidence.js";
import type { Scenario } from "./scenario/types.js";

export interface WitnessContext {
  cluster: ClusterAccess;
  scenario: Scenario;
  rng: Rng;
  /** The end of looking. */
  signal: AbortSignal;
}

/** Gathers what an invariant needs and no log has, while the scenario runs. */
export interface Witness {
  name: string;
  /** Resolves once it looks, before the traffic begins. A cluster that does not answer is no reason to reject. */
  start(context: WitnessContext): Promise<Deposition>;
}

export interface Deposition {
  /** What was seen, and what is seen now that everything has recovered. */
  testify(): Promise<Evidence>;
  /** Resolves once its loops have ended, after the signal. */
  ended?: Promise<void>;
}

/** The witnesses of one run: each once, however many invariants ask for it. */
export class Witnesses {
  readonly #depositions: Deposition[] = [];

  async start(witnesses: readonly Witness[], context: WitnessContext): Promise<void> {
    // Each of them, and the runner's own watches, listen to it; that is no leak.
    setMaxListeners(0, context.signal);
    for (const witness of new Set(witnesses))
      this.#depositions.push(
        await witness.start({ ...context, rng: context.rng.fork(`witness/${witness.name}`) }),
      );
  }

  /** Undefined when nobody was asked. */
  async testify(): Promise<Evidence | undefined> {
    if (this.#depositions.length === 0) return undefined;
    const depositions = await Promise.all(this.#depositions.map((deposition) => deposition.testify()));
    return Object.assign({}, ...depositions) as Evidence;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#depositions.map(async ({ ended }) => ended));
  }
}

/** Looks again and again until the signal aborts; a look that fails is a look that saw nothing. */
export async function lookEvery(
  clock: Clock,
  periodMs: number,
  signal: AbortSignal,
  look: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(periodMs, signal).catch(() => {});
    if (!signal.aborted) await look().catch(() => {});
  }
}

import type { ResourceSample } from "../evidence.js";
import { inspected } from "../recovery.js";
import { COMPONENTS } from "../reach.js";
import type { Witness, WitnessContext } from "../witness.js";

const BEFORE_SAMPLES = 5;
const AFTER_SAMPLES = 20;
const PERIOD_MS = 250;

/** What each component holds while nothing happens: before the traffic, and when everything has recovered. */
export const resourcesWitness: Witness = {
  name: "resources",
  async start(context) {
    const samples = await sampled(context, "before", BEFORE_SAMPLES);
    const before = await processesOf(context);
    return {
      testify: async () => {
        const resources = [...samples, ...(await sampled(context, "after", AFTER_SAMPLES))];
        const after = await processesOf(context);
        return { resources, ...(before && after ? { processes: { before, after } } : {}) };
      },
    };
  },
};

async function processesOf({ cluster }: WitnessContext): Promise<string[] | undefined> {
  try {
    return await cluster.processes?.();
  } catch {
    return undefined;
  }
}

async function sampled(
  { cluster }: WitnessContext,
  phase: ResourceSample["phase"],
  count: number,
): Promise<ResourceSample[]> {
  const samples: ResourceSample[] = [];
  for (let i = 0; i < count; i++) {
    for (const component of COMPONENTS) {
      const answer = (await inspected(cluster, component, "/resources")) as
        | Pick<ResourceSample, "start" | "counts">
        | undefined;
      if (answer) samples.push({ component, phase, atMs: cluster.clock.nowMs(), ...answer });
    }
    await cluster.clock.sleep(PERIOD_MS);
  }
  return samples;
}

import { type Checker, verdictOf } from "../checker.js";
import type { Evidence, ResourceSample } from "../evidence.js";
import { resourcesWitness } from "../witnesses/resources.js";

/**
 * At rest after the run no component holds more than it did at rest before: the least of several looks is compared with the most
 * of several, since something always goes on.
 */
export const nothingLeaked: Checker = {
  name: "nothing-leaked",
  summary: "no process, socket or timer is left behind",
  parameters: {
    allowed: { type: "number", help: "so many more of a kind in a component are no leak", default: 10 },
  },
  witnesses: [resourcesWitness],
  check({ evidence }, _scenario, { allowed }) {
    const samples = evidence?.resources ?? [];
    const before = extremes(samples, "before", Math.max);
    const after = extremes(samples, "after", Math.min);
    if (after.size === 0) return verdictOf(["no component said what it holds"], "", "nobody could be asked");
    const grown = [...after].filter(([what, count]) => count > (before.get(what) ?? count) + Number(allowed));
    const stray = strayProcesses(evidence?.processes);
    return verdictOf(
      [...stray, ...grown.map(([what, count]) => `${what}: ${before.get(what) ?? 0} before, ${count} after`)],
      `at rest: ${[...after].map(([what, count]) => `${what} ${before.get(what) ?? "?"} → ${count}`).join(", ")}`,
      `${grown.length + stray.length} kinds of resources were left behind`,
    );
  },
};

function extremes(
  samples: readonly ResourceSample[],
  phase: ResourceSample["phase"],
  extreme: (a: number, b: number) => number,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const { component, counts } of samples.filter((sample) => sample.phase === phase))
    for (const [kind, count] of Object.entries(counts)) {
      const what = `${component} ${kind}`;
      found.set(what, extreme(found.get(what) ?? count, count));
    }
  return found;
}

/** Those that run beside the ones there were. */
function strayProcesses(seen: Evidence["processes"]): string[] {
  const known = [...(seen?.before ?? [])];
  return (seen?.after ?? []).flatMap((name) => {
    const at = known.indexOf(name);
    if (at < 0) return [`process ${name} was not there before`];
    known.splice(at, 1);
    return [];
  });
}

/** A scenario file's document. */
export type ScenarioDocument = Readonly<Record<string, unknown>>;

export interface ShrinkOptions {
  document: ScenarioDocument;
  /** The scenario with a seed that shows the same violation; undefined when none does, or when it cannot be run. */
  failing: (document: ScenarioDocument) => Promise<ScenarioDocument | undefined>;
  /** Runs at most. */
  limit: number;
  onStep?: (progress: { runs: number; document: ScenarioDocument; change: string }) => void;
}

interface Candidate {
  change: string;
  document: ScenarioDocument;
}

/**
 * The smallest scenario found that still fails: fewest steps, then fewest repetitions, shortest holds, shortest run, least
 * traffic. Chance is forked by the names of steps, so what is taken out moves no draw of the steps that stay; what messages
 * they no longer send may still change an interleaving, which is why `failing` may try other seeds.
 */
export async function shrink(options: ShrinkOptions): Promise<{ document: ScenarioDocument; runs: number }> {
  let { document } = options;
  let runs = 0;
  for (let improved = true; improved; ) {
    improved = false;
    for (const pass of PASSES) {
      for (let next = await firstFailing(pass(document)); next; next = await firstFailing(pass(document))) {
        document = next.document;
        improved = true;
        options.onStep?.({ runs, document, change: next.change });
      }
    }
  }
  return { document, runs };

  async function firstFailing(candidates: readonly Candidate[]): Promise<Candidate | undefined> {
    for (const candidate of candidates) {
      if (runs >= options.limit) return undefined;
      runs += 1;
      const failing = await options.failing(candidate.document);
      if (failing) return { change: candidate.change, document: failing };
    }
    return undefined;
  }
}

type Item = Record<string, unknown>;

const PASSES: readonly ((document: ScenarioDocument) => Candidate[])[] = [
  (document) => withoutHalves(document, "steps"),
  (document) => without(document, "steps"),
  (document) => without(document, "traffic"),
  (document) => without(document, "probes"),
  fewerRepetitions,
  shorterHolds,
  shorterRun,
  lessTraffic,
];

const specOf = (document: ScenarioDocument): Item => (document["spec"] ?? {}) as Item;
const itemsOf = (document: ScenarioDocument, field: string): Item[] =>
  (Array.isArray(specOf(document)[field]) ? specOf(document)[field] : []) as Item[];
const withSpec = (document: ScenarioDocument, changes: Item): ScenarioDocument => ({
  ...document,
  spec: { ...specOf(document), ...changes },
});
const nameOf = (item: Item, field: string): string =>
  String((item["name"] ?? item["fault"] ?? item["action"] ?? field) as string);

function without(document: ScenarioDocument, field: string): Candidate[] {
  const items = itemsOf(document, field);
  return items.map((item, i) => ({
    change: `without ${nameOf(item, field)}`,
    document: withSpec(document, { [field]: items.filter((_, at) => at !== i) }),
  }));
}

/** Delta debugging's first move: half of a long list at once. */
function withoutHalves(document: ScenarioDocument, field: string): Candidate[] {
  const items = itemsOf(document, field);
  if (items.length < 4) return [];
  const half = items.length >> 1;
  return [items.slice(0, half), items.slice(half)].map((kept) => ({
    change: `with ${kept.length} of ${items.length} steps`,
    document: withSpec(document, { [field]: kept }),
  }));
}

const changed = (document: ScenarioDocument, field: string, at: number, changes: Item): ScenarioDocument =>
  withSpec(document, {
    [field]: itemsOf(document, field).map((item, i) => (i === at ? { ...item, ...changes } : item)),
  });

function fewerRepetitions(document: ScenarioDocument): Candidate[] {
  return itemsOf(document, "steps").flatMap((step, i) => {
    if (step["every"] === undefined) return [];
    const times = typeof step["times"] === "number" ? step["times"] : Infinity;
    return [1, 2, 4, 8, 16, 32]
      .filter((fewer) => fewer < times)
      .map((fewer) => ({
        change: `${nameOf(step, "step")} ${fewer} times`,
        document: changed(document, "steps", i, { times: fewer }),
      }));
  });
}

function shorterHolds(document: ScenarioDocument): Candidate[] {
  return itemsOf(document, "steps").flatMap((step, i) => {
    const heldMs = toMs(step["duration"]);
    if (heldMs === undefined || heldMs <= 100) return [];
    return [heldMs / 4, heldMs / 2].map((ms) => ({
      change: `${nameOf(step, "step")} for ${toText(ms)}`,
      document: changed(document, "steps", i, { duration: toText(ms) }),
    }));
  });
}

function shorterRun(document: ScenarioDocument): Candidate[] {
  const durationMs = toMs(specOf(document)["duration"]);
  if (durationMs === undefined || durationMs <= 1000) return [];
  return [0.25, 0.5, 0.75].map((share) => ({
    change: `a run of ${toText(durationMs * share)}`,
    document: withSpec(document, { duration: toText(durationMs * share) }),
  }));
}

function lessTraffic(document: ScenarioDocument): Candidate[] {
  return itemsOf(document, "traffic").flatMap((traffic, i) => {
    const perSecond = Number(traffic["perSecond"] ?? 10);
    if (!(perSecond > 1)) return [];
    return [Math.round(perSecond / 4), Math.round(perSecond / 2)]
      .filter((less) => less >= 1 && less < perSecond)
      .map((less) => ({
        change: `${nameOf(traffic, "traffic")} at ${less} a second`,
        document: changed(document, "traffic", i, { perSecond: less }),
      }));
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Of a plain duration; a range or anything else is left as it is. */
function toMs(duration: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(duration as string));
  return match ? Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0) : undefined;
}

const toText = (ms: number): string =>
  ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.max(1, Math.round(ms))}ms`;

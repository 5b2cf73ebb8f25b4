import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { readScenarioFile } from "../cli/scenario-file.js";
import { withFiles } from "../cli/simulate/manifest-files.js";
import { runSeed } from "./run-seed.js";

/** tests/seeds.json: what each seed's history comes to, wherever it runs. */
export interface SeedTable {
  /** Of the sources that it was made from: another program has other histories. */
  sources: string;
  hashes: Record<string, Record<string, string>>;
}

/** Files of simulation/scenarios/, and the seeds of each. */
export const STANDARD_SEEDS: Readonly<Record<string, readonly string[]>> = {
  "rolling-update": ["1", "2", "3"],
  upheaval: ["1", "2", "3"],
};

const SOURCE_FOLDERS = [
  "apiserver",
  "chaos",
  "cli/objects",
  "controllers",
  "kubelet-sim",
  "machinery",
  "proxy-sim",
  "simulation",
  "manifests/system",
];

/** `root` is the clone's. */
export async function hashOfSeed(root: string, scenarioName: string, seed: string): Promise<string> {
  const file = join(root, "simulation", "scenarios", `${scenarioName}.yaml`);
  const { scenario, files } = withFiles(await readScenarioFile(file, seed));
  const { hash, error } = await runSeed({ scenario, files });
  if (error !== undefined) throw new Error(`${scenarioName}, seed ${seed}: ${error}`);
  return hash;
}

export async function newSeedTable(root: string): Promise<SeedTable> {
  const hashes: SeedTable["hashes"] = {};
  for (const [scenario, seeds] of Object.entries(STANDARD_SEEDS)) {
    const bySeed: Record<string, string> = {};
    for (const seed of seeds) bySeed[seed] = await hashOfSeed(root, scenario, seed);
    hashes[scenario] = bySeed;
  }
  return { sources: sourcesHash(root), hashes };
}

/** Of everything that a simulated history depends on. Tests do not count. */
export function sourcesHash(root: string): string {
  const hash = createHash("sha256");
  for (const folder of SOURCE_FOLDERS)
    for (const file of filesBelow(join(root, folder)))
      hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return /\.(ts|ya?ml)$/.test(entry.name) && !entry.name.endsWith(".test.ts") ? [path] : [];
    });
}

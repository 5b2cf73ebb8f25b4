import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { load } from "js-yaml";
import { readScenarioFile } from "../../cli/scenario-file.js";
import { withFiles } from "../../cli/simulate/manifest-files.js";
import { runSeed } from "../../simulation/run-seed.js";

const EXPECT = "chaos.kubesim.dev/expect";
const SEEDS = 3;

const library = fileURLToPath(new URL("../../manifests/chaos/", import.meta.url));
const pages = fileURLToPath(new URL("../../docs/chaos/", import.meta.url));

const namesIn = (folder: string, extension: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(extension) && file !== "README.md")
    .map((file) => file.slice(0, -extension.length))
    .sort();

const names = namesIn(library, ".yaml");

/** Invariants that are to be violated, as the file's annotation says; none for one that is to hold. */
function expectedViolations(name: string): string[] {
  const document = load(readFileSync(`${library}${name}.yaml`, "utf8")) as {
    metadata: { annotations?: Record<string, string> };
  };
  const text = document.metadata.annotations?.[EXPECT] ?? "";
  const [, list] = /^(?:held|violated: (.+))$/.exec(text) ?? [];
  if (text !== "held" && list === undefined)
    throw new Error(`${name}.yaml: annotation ${EXPECT} must be "held" or "violated: INVARIANT, …"`);
  return list?.split(", ") ?? [];
}

/** The invariants that one seed violates. */
async function violationsOf(name: string, nth: number): Promise<string[]> {
  const scenario = await readScenarioFile(`${library}${name}.yaml`);
  const { error, report } = await runSeed(
    withFiles({ ...scenario, seed: String(Number(scenario.seed) + nth) }),
  );
  if (!report) throw new Error(error);
  return report.verdicts.filter(({ verdict }) => !verdict.held).map(({ invariant }) => invariant);
}

test.each(names)(
  "%s ends as its file says",
  async (name) => {
    const expected = expectedViolations(name);
    const violated = new Set<string>();
    for (let nth = 0; nth < SEEDS; nth++)
      for (const invariant of await violationsOf(name, nth)) violated.add(invariant);

    expect(violated).toEqual(new Set(expected));
  },
  60_000,
);

test("every scenario has its page, which shows how it ends, and every page its scenario", () => {
  expect(namesIn(pages, ".md")).toEqual(names);
  const index = readFileSync(`${pages}README.md`, "utf8");
  for (const name of names) {
    const page = readFileSync(`${pages}${name}.md`, "utf8");
    expect(page).toContain(`$ kubesim chaos run manifests/chaos/${name}.yaml --simulate`);
    const shown = [...page.matchAll(/^violated {2}([^:\n]+):/gm)].map(([, invariant = ""]) => invariant);
    expect({ name, shown: new Set(shown) }).toEqual({ name, shown: new Set(expectedViolations(name)) });
    const ends = expectedViolations(name).map((invariant) => `\`${invariant}\``);
    expect(index.split("\n").find((line) => line.includes(`(${name}.md)`))).toMatch(
      ends.length === 0 ? /\| held \|$/ : new RegExp(`\\| violated: ${ends.join(", ")} \\|$`),
    );
  }
});

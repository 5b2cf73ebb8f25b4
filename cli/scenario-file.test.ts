import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import { readScenarioFile } from "./scenario-file.js";

const library = join(dirname(fileURLToPath(import.meta.url)), "../manifests/chaos");
const folder = mkdtempSync(join(tmpdir(), "kubesim-scenario-"));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (text: string): string => {
  const file = join(folder, "scenario.yaml");
  writeFileSync(file, text);
  return file;
};

test.each(readdirSync(library).filter((name) => name.endsWith(".yaml")))(
  "%s is a scenario that can be run",
  async (name) => {
    expect((await readScenarioFile(join(library, name))).name).toBe(name.replace(/\.yaml$/, ""));
  },
);

test("paths are relative to the scenario, and --seed overrides its seed", async () => {
  const file = written(
    "apiVersion: chaos.kubesim.dev/v1\nkind: Scenario\nmetadata: {name: x}\nspec: {seed: 1, manifests: [../demo]}\n",
  );

  expect(await readScenarioFile(file, "9")).toMatchObject({
    seed: "9",
    manifests: [join(dirname(folder), "demo")],
  });
});

test("a file's mistakes are told all at once, each with its field, and end with exit code 2", async () => {
  const file = written(
    "apiVersion: chaos.kubesim.dev/v1\nkind: Scenario\nmetadata: {name: x}\nspec: {faults: [{fault: kil-pod}], duration: soon}\n",
  );

  await expect(readScenarioFile(file)).rejects.toMatchObject({
    exitCode: 2,
    message: [
      'Scenario "x" is invalid:',
      '  spec.duration: Invalid value: "soon": must be a duration such as 500ms, 2s or 1m',
      '  spec.faults[0].fault: Unsupported value: "kil-pod"; did you mean "kill-pod"?',
    ].join("\n"),
  });
  await expect(readScenarioFile(written("a: [b"))).rejects.toMatchObject({ exitCode: 2 });
  await expect(readScenarioFile("/nowhere.yaml")).rejects.toThrow('the path "/nowhere.yaml" does not exist');
});

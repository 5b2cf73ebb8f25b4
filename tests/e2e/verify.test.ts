import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "verify-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const LABELS = { app: "web" };
const manifests = (image: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: {
          replicas: 2,
          selector: { matchLabels: LABELS },
          template: { metadata: { labels: LABELS }, spec: { containers: [{ name: "web", image }] } },
        },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { selector: LABELS, ports: [{ port: 80 }] },
      },
      { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "web" }, spec: {} },
    ],
  });

const verify = (
  stdin: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, "verify", ...args],
      { timeout: 170_000 },
      (err, stdout, stderr) =>
        resolve({ code: typeof err?.code === "number" ? err.code : err ? -1 : 0, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });

test("verify reads standard input, tells a lost request, writes the shortest scenario and exits with 1", async () => {
  const file = join(dir, "shortest.yaml");
  const args = ["-f", "-", "--seeds", "1", "--advice=false", "-o", "json", "--counterexample", file];
  const { code, stdout, stderr } = await verify(manifests("nginx"), ...args);

  expect(stderr).toBe("");
  expect(code).toBe(1);
  const { leftOut, verifications } = JSON.parse(stdout) as {
    leftOut: string[];
    verifications: { held: boolean; counterexamples: { sentence: string }[] }[];
  };
  expect(leftOut).toEqual(["PodDisruptionBudget web (policy/v1)"]);
  expect(verifications[0]?.held).toBe(false);
  expect(verifications[0]?.counterexamples[0]?.sentence).toMatch(/port|listened/);
  expect(readFileSync(file, "utf8")).toContain("kind: Scenario");
}, 180_000);

test("verify exits with 2 and says why when there is nothing to judge", async () => {
  const emulated = await verify(manifests("acme/shop:1"), "-f", "-");
  const missing = await verify("", "-f", join(dir, "none.yaml"));
  const usage = await verify("");
  const selectors = await verify(
    manifests("nginx").replaceAll('"selector":{"app":"web"}', '"selector":{"app":"x"}'),
    "-f",
    "-",
  );

  expect([emulated, missing, usage, selectors].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  expect(emulated.stderr).toContain('nobody emulates the image "acme/shop:1" of container "web"');
  expect(missing.stderr).toContain('none.yaml" does not exist');
  expect(usage.stderr).toContain("usage: kubesim verify -f FILE");
  expect(selectors.stderr).toContain(
    'no Service selects the pods of Deployment "web" (labels app=web): web selects app=x',
  );
}, 60_000);

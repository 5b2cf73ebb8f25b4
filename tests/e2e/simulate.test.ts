import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "simulate-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Pods that close their port as soon as they are asked to, killed under load: some seeds lose a request. */
const RED = `
apiVersion: chaos.kubesim.dev/v1
kind: Scenario
metadata: {name: no-prestop}
spec:
  seed: 1
  duration: 4s
  cluster: {nodes: 2}
  manifests:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, namespace: default}
      spec:
        replicas: 2
        selector: {matchLabels: {app: web}}
        template:
          metadata: {labels: {app: web}}
          spec:
            containers: [{name: nginx, image: nginx, ports: [{containerPort: 80}]}]
    - apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: default}
      spec: {clusterIP: 10.96.7.7, selector: {app: web}, ports: [{port: 80}]}
  traffic:
    - {name: inside, url: "http://10.96.7.7", perSecond: 100}
  steps:
    - {name: killer, fault: kill-pod, every: 700ms, until: 3500ms, target: {selector: app=web}}
    - {name: dns, fault: kill-pod, at: 1s, target: {namespace: kube-system, selector: k8s-app=kube-dns}}
  invariants: [request-budget, only-selected-pods]
  budgets: {failedRequests: 0}
`;

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

const kubesim = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { timeout: 90_000 }, (err, stdout, stderr) =>
      resolve({ code: typeof err?.code === "number" ? err.code : err ? -1 : 0, stdout, stderr }),
    );
  });

const scenario = join(dir, "red.yaml");
writeFileSync(scenario, RED);

test("many seeds tell each cause once, and the first is shrunk to a scenario that shows it again", async () => {
  const [junit, page] = [join(dir, "seeds.xml"), join(dir, "seeds.html")];
  const files = ["--junit", junit, "--html", page];
  const explored = await kubesim(
    "chaos",
    "run",
    scenario,
    "--simulate",
    "--seeds",
    "4",
    "-o",
    "json",
    ...files,
  );
  expect(explored).toMatchObject({ code: 1, stderr: "" });
  const report = JSON.parse(explored.stdout) as {
    seeds: number;
    held: number;
    violated: number;
    causes: { firstSeed: string; example: string }[];
    shrunk: { file: string; steps: number };
  };
  expect(report.seeds).toBe(4);
  expect(report.held + report.violated).toBe(4);
  const cases = [...readFileSync(junit, "utf8").matchAll(/<testcase [^>]* name="(seed \d)"/g)];
  expect(cases.map(([, name]) => name)).toEqual(["seed 1", "seed 2", "seed 3", "seed 4"]);
  expect(readFileSync(page, "utf8")).toContain(`${report.violated} violated, 0 could not run`);
  expect(report.shrunk.steps).toBe(1);
  expect(existsSync(report.shrunk.file)).toBe(true);
  expect(readFileSync(report.shrunk.file, "utf8")).not.toContain("kube-dns");

  const again = await kubesim("chaos", "run", report.shrunk.file, "--simulate");

  expect(again.code).toBe(1);
  expect(again.stdout).toMatch(/violated {2}request-budget/);
}, 180_000);

test("--replay gives the same history each time, and --trace lists it in the order of time", async () => {
  const [first, second] = await Promise.all([
    kubesim("chaos", "run", scenario, "--replay", "4"),
    kubesim("chaos", "run", scenario, "--replay", "4", "--trace"),
  ]);

  const hashOf = ({ stdout }: Run): string | undefined => /^history (\w{64})$/m.exec(stdout)?.[1];
  expect(hashOf(first)).toBeDefined();
  expect(hashOf(second)).toBe(hashOf(first));
  const times = [...second.stdout.matchAll(/^ *(\d+\.\d{6})s {2}\w+/gm)].map(([, at]) => Number(at));
  expect(times.length).toBeGreaterThan(500);
  expect(times).toEqual([...times].sort((a, b) => a - b));
}, 120_000);

test("a scenario that cannot be run says so with exit code 2", async () => {
  const { code, stderr } = await kubesim("chaos", "run", join(dir, "absent.yaml"), "--simulate");

  expect(code).toBe(2);
  expect(stderr).toContain("does not exist");
  expect((await kubesim("chaos", "run", scenario, "--simulate", "--seeds", "0")).code).toBe(2);
}, 30_000);

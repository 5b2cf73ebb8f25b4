import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, LiveCluster } from "../testkit/live-cluster.js";

// Real processes: what is broken is held by the supervisor, and heals whatever was killed.

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "chaos-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let cluster: LiveCluster;
let files = 0;

interface Scenario {
  duration: string;
  steps: string[];
  more?: string;
}

/** A scenario with a client outside of the cluster, in a file. */
function scenarioFile({ duration, steps, more = "" }: Scenario): string {
  const file = join(dir, `scenario-${files++}.yaml`);
  writeFileSync(
    file,
    `apiVersion: chaos.kubesim.dev/v1
kind: Scenario
metadata: {name: live}
spec:
  duration: ${duration}
  traffic:
    - {name: outside, from: host, service: web-nodeport, perSecond: 20, timeout: 1s}
  steps:
${steps.map((step) => `    - {${step}}\n`).join("")}
  budgets: {failedRatio: 0.9}
${more}`,
  );
  return file;
}

const HELD_FOR_LONG = [
  "name: pause, fault: process-pause, at: 100ms, target: {component: controllers}",
  "name: cordon, fault: cordon, at: 100ms, target: {node: node-2}",
  "name: scale, fault: scale, at: 100ms, duration: 50s, target: {name: web}, parameters: {replicas: 1}",
];

interface Running {
  child: ChildProcess;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** `kubesim chaos run` as a process that can be killed. */
function startRun(file: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [CLI, "chaos", "run", file, ...args], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
  });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk.toString("utf8")));
  const ended = new Promise<Awaited<Running["ended"]>>((resolve) =>
    child.on("close", (code) => resolve({ code, stdout: out.join(""), stderr: err.join("") })),
  );
  return { child, ended };
}

const run = (scenario: Scenario, ...args: string[]): Running["ended"] =>
  startRun(scenarioFile(scenario), ...args).ended;

const journal = (): string => join(cluster.dataDir, "faults.json");
const heldFaults = (): string[] =>
  existsSync(journal())
    ? (JSON.parse(readFileSync(journal(), "utf8")) as { fault: string }[]).map(({ fault }) => fault).sort()
    : [];
const untilHeld = (count: number): Promise<void> =>
  eventually(() => Promise.resolve(heldFaults().length === count), 15_000);

const jsonOf = async (...args: string[]): Promise<{ spec: Record<string, unknown> }> =>
  JSON.parse((await cluster.cli("get", ...args, "-o", "json")).stdout) as never;
const isCordoned = async (): Promise<boolean> =>
  (await jsonOf("node", "node-2")).spec["unschedulable"] === true;
const replicas = async (): Promise<unknown> => (await jsonOf("deployment", "web")).spec["replicas"];

const stateOf = (pid: number): string => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
const pidOf = async (name: string): Promise<number> =>
  (await cluster.status()).processes.find((found) => found.name === name)?.pid ?? 0;
/** Processes that were started for this cluster's data directory. */
const processesOfCluster = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(`${cluster.dataDir}/`));

beforeAll(async () => {
  cluster = await LiveCluster.up("chaos-e2e", "--chaos", "-f", "manifests/demo");
}, 90_000);

afterAll(async () => {
  await cluster.dispose();
}, 30_000);

describe("a cluster that may be broken", () => {
  test("several faults at once are held, healed and proven so, and the reports say it", async () => {
    const [page, junit, saved] = ["page.html", "junit.xml", "journal.json"].map((name) => join(dir, name));
    const steps = [
      "name: pause, fault: process-pause, at: 100ms, duration: 1500ms, target: {component: controllers}",
      "name: cordon, fault: cordon, at: 100ms, duration: 1500ms, target: {node: node-2}",
      "name: stall, fault: proxy-stall, at: 200ms, duration: 1s, target: {mode: all}",
      "name: killer, fault: kill-pod, at: 500ms, target: {selector: app=web}",
    ];
    const running = startRun(
      scenarioFile({ duration: "3s", steps }),
      "--html",
      page ?? "",
      "--junit",
      junit ?? "",
      "--journal",
      saved ?? "",
    );
    const { code, stdout, stderr } = await running.ended;

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("held      recovery: 3 held faults healed, everything back");
    expect(existsSync(journal())).toBe(false);
    expect((await cluster.cli("chaos", "status")).stdout).toBe("No fault is held\n");
    const { rollbacks } = JSON.parse(readFileSync(saved ?? "", "utf8")) as {
      rollbacks: { proven: boolean }[];
    };
    expect(rollbacks.map(({ proven }) => proven)).toEqual([true, true, true]);
    expect(readFileSync(page ?? "", "utf8")).toContain("pause: process-pause at 0.");
    expect(readFileSync(junit ?? "", "utf8")).toContain('failures="0"');
    expect((await cluster.cli("chaos", "report", saved ?? "")).code).toBe(0);
  }, 40_000);

  test("what cannot be is said, with exit code 2", async () => {
    const [misspelt, nothing, twice] = await Promise.all([
      run({ duration: "1s", steps: ["fault: kill-pot, at: 0s"] }),
      run({ duration: "1s", steps: ["fault: kill-pod, at: 0s, target: {selector: app=nobody}"] }),
      run({
        duration: "3s",
        steps: [
          "name: first, fault: process-pause, at: 100ms, duration: 2s, target: {component: proxy}",
          "name: second, fault: process-stop, at: 500ms, duration: 1s, target: {component: proxy}",
        ],
      }),
    ]);

    expect(misspelt).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"kill-pot"; did you mean "kill-pod"?'),
    });
    expect(nothing).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing matches the target of kill-pod: selector app=nobody"),
    });
    expect(twice).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /process\/proxy is held by fault "process-pause" \(.*first.0\) until it is healed/,
      ),
    });
    expect(heldFaults()).toEqual([]);
  }, 40_000);

  test("a violation ends with exit code 1 and the command that runs the scenario again", async () => {
    const more =
      '  seed: 41\n  probes: [{name: nine, mode: after, kubernetes: "deployment/web available == 9"}]\n';
    const { code, stdout } = await run({ duration: "500ms", steps: [], more });

    expect(code).toBe(1);
    expect(stdout).toContain("violated  probe nine");
    expect(stdout).toMatch(/^replay: kubesim chaos run .*\.yaml --seed 41$/m);
  }, 30_000);

  test("a flipped bit is found at the start, by the revision that it hit, and the store is put back", async () => {
    const running = startRun(
      scenarioFile({ duration: "60s", steps: ["fault: store-bit-flip, at: 100ms, duration: 50s"] }),
    );
    const log = join(cluster.dataDir, "logs", "apiserver.log");
    const damage = /the database is damaged: revision \d+ of \/registry\/\S+ fails its checksum/;
    await eventually(() => Promise.resolve(damage.test(readFileSync(log, "utf8"))));

    const healed = await cluster.cli("chaos", "heal");

    expect(healed.stdout).toMatch(/ {2}store-bit-flip {2}healed\n$/);
    await eventually(async () => (await cluster.status()).processes.every(({ ready }) => ready));
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(2);
    expect((await cluster.cli("get", "deployment", "web")).stdout).toContain("3/3");
  }, 40_000);

  test("stale reads come from a replica that is gone afterwards", async () => {
    const steps = [
      "fault: stale-reads, at: 100ms, duration: 2s, target: {component: proxy}, parameters: {lag: 1s}",
    ];
    const running = startRun(scenarioFile({ duration: "3s", steps }));
    await untilHeld(1);
    await eventually(() => Promise.resolve(processesOfCluster().some((line) => line.includes("--follow"))));

    expect((await running.ended).code).toBe(0);

    expect(processesOfCluster().filter((line) => line.includes("--follow"))).toEqual([]);
    expect((await cluster.status()).processes).toHaveLength(5);
    expect(readdirSync(join(cluster.dataDir, "run")).filter((name) => name.includes("-2"))).toEqual([]);
  }, 40_000);

  test("kill -9 of the runner heals everything within two seconds, and takes its traffic away", async () => {
    const inside = '  traffic:\n    - {name: inside, url: "http://web", perSecond: 5}\n';
    const file = scenarioFile({ duration: "60s", steps: HELD_FOR_LONG });
    writeFileSync(file, readFileSync(file, "utf8").replace("  traffic:\n", inside));
    const { child, ended } = startRun(file);
    await untilHeld(3);
    const controllers = await pidOf("controllers");
    expect(stateOf(controllers)).toBe("T");

    child.kill("SIGKILL");

    await ended;
    await eventually(() => Promise.resolve(heldFaults().length === 0), 2000);
    expect(stateOf(controllers)).not.toBe("T");
    expect(await isCordoned()).toBe(false);
    expect(await replicas()).toBe(3);
    await eventually(async () => {
      const { stdout } = await cluster.cli("get", "pods", "-l", "kubesim.dev/traffic");
      return !stdout.includes("inside-");
    }, 10_000);
  }, 40_000);

  test("Ctrl-C heals, and ends with exit code 2", async () => {
    const saved = join(dir, "interrupted.json");
    const { child, ended } = startRun(
      scenarioFile({ duration: "60s", steps: HELD_FOR_LONG }),
      "--journal",
      saved,
    );
    await untilHeld(3);

    child.kill("SIGINT");

    expect(await ended).toMatchObject({
      code: 2,
      stderr: "error: interrupted: everything that was injected is healed\n",
    });
    expect(heldFaults()).toEqual([]);
    const { status, rollbacks } = JSON.parse(readFileSync(saved, "utf8")) as {
      status: string;
      rollbacks: { status: string }[];
    };
    expect(status).toBe("interrupted");
    expect(rollbacks.map((rollback) => rollback.status)).toEqual(["succeeded", "succeeded", "succeeded"]);
  }, 40_000);

  test("chaos heal ends one fault, or all of them", async () => {
    const { child, ended } = startRun(scenarioFile({ duration: "60s", steps: HELD_FOR_LONG }));
    await untilHeld(3);
    const held = JSON.parse((await cluster.cli("chaos", "status", "-o", "json")).stdout) as { id: string }[];
    const cordon = held.find(({ id }) => id.includes("cordon"))?.id ?? "";
    const { stdout: told } = await cluster.cli("chaos", "status");
    expect(told).toMatch(/pause\.0 {2}process-pause {2}for \d+\.\d s, ends in \d+\.\d s/);

    expect((await cluster.cli("chaos", "heal", cordon)).stdout).toBe(`${cordon}  cordon  healed\n`);
    expect(heldFaults()).toEqual(["process-pause", "scale"]);
    expect((await cluster.cli("chaos", "heal", cordon)).code).toBe(2);
    expect((await cluster.cli("chaos", "heal")).code).toBe(0);
    expect(heldFaults()).toEqual([]);

    child.kill("SIGINT");
    expect((await ended).code).toBe(2);
  }, 40_000);
});

describe("a cluster whose supervisor ends while faults are held", () => {
  test("kill -9: the runner ends at once, and the next up heals from the journal", async () => {
    const { ended } = startRun(scenarioFile({ duration: "60s", steps: HELD_FOR_LONG }));
    await untilHeld(3);
    const { supervisor, processes } = await cluster.status();
    const killedAt = process.hrtime.bigint();

    process.kill(supervisor, "SIGKILL");

    const { code, stderr } = await ended;
    expect(Number(process.hrtime.bigint() - killedAt) / 1e6).toBeLessThan(3000);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: the cluster's supervisor went away; not healed: .*cordon.*pause.*scale/);
    expect(heldFaults()).toHaveLength(3);
    // The one that stands still cannot see its supervisor end; it is ended by the next start.
    expect(stateOf(processes.find(({ name }) => name === "controllers")?.pid ?? 0)).toBe("T");

    await cluster.start();

    expect(heldFaults()).toEqual([]);
    expect(await isCordoned()).toBe(false);
    expect(await replicas()).toBe(3);
  }, 60_000);

  test("without --chaos components are not broken, and changes of objects are still possible", async () => {
    const refused = await run({
      duration: "1s",
      steps: ["name: pause, fault: process-pause, at: 0s, target: {component: controllers}"],
    });
    const point = await run({ duration: "1s", steps: ["name: stall, fault: proxy-stall, at: 0s"] });

    expect(refused).toMatchObject({
      code: 2,
      stderr: 'error: step "pause": faults are off: start the cluster with --chaos\n',
    });
    expect(point).toMatchObject({
      code: 2,
      stderr: 'error: step "stall": proxy: faults are off: start the cluster with --chaos\n',
    });
    expect(heldFaults()).toEqual([]);
  }, 40_000);

  test("down heals first and ends the run, and nothing of the cluster is left", async () => {
    const { ended } = startRun(scenarioFile({ duration: "60s", steps: HELD_FOR_LONG.slice(1) }));
    await untilHeld(2);

    expect((await cluster.kubesim("down")).stdout).toContain("is down");

    expect(await ended).toMatchObject({ code: 2, stderr: "error: the cluster is going down\n" });
    expect(existsSync(journal())).toBe(false);
    expect(readdirSync(join(cluster.dataDir, "run"))).toEqual([]);
    expect(processesOfCluster()).toEqual([]);
    await cluster.start();
    expect(await isCordoned()).toBe(false);
    expect(await replicas()).toBe(3);
  }, 60_000);
});

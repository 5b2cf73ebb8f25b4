import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, LiveCluster } from "../testkit/live-cluster.js";

// Real processes: what the supervisor promises.

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie waits for its parent only.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
};

describe("a supervised cluster", () => {
  let cluster: LiveCluster;

  beforeAll(async () => {
    cluster = await LiveCluster.up("supervised", "-f", "manifests/demo");
  }, 90_000);

  afterAll(async () => {
    await cluster.dispose();
  }, 30_000);

  test("status lists the five processes, all ready", async () => {
    const { processes } = await cluster.status();

    expect(processes.map(({ name }) => name).sort()).toEqual([
      "apiserver",
      "controllers",
      "dataplane",
      "kubelet",
      "proxy",
    ]);
    expect(processes.every(({ ready, pid }) => ready && isAlive(pid))).toBe(true);
  });

  test.each(["apiserver", "controllers", "dataplane", "kubelet", "proxy"])(
    "kill -9 of the %s is survived: it is started again and the Service answers",
    async (name) => {
      const before = (await cluster.status()).processes.find((found) => found.name === name);
      process.kill(before?.pid ?? 0, "SIGKILL");

      await eventually(async () => {
        const { processes } = await cluster.status();
        const now = processes.find((found) => found.name === name);
        return now !== undefined && now.pid !== before?.pid && processes.every(({ ready }) => ready);
      });
      await eventually(async () => {
        const url = await cluster.nodePortUrl("default/web-nodeport");
        return (await fetch(url)).status === 200;
      });
    },
    60_000,
  );

  test("a second up in the same data directory is refused and names the owner", async () => {
    const { supervisor } = await cluster.status();

    const { code, stderr } = await cluster.kubesim("up", "--api-port", "0");

    expect(code).toBe(1);
    expect(stderr).toContain(`is already running from ${cluster.dataDir} (pid ${supervisor}`);
  });

  test("killing the supervisor ends its children within two seconds, and the next up finds all in order", async () => {
    const { supervisor, processes } = await cluster.status();
    process.kill(supervisor, "SIGKILL");

    await eventually(() => Promise.resolve(processes.every(({ pid }) => !isAlive(pid))), 2500);
    await cluster.start();

    const after = await cluster.status();
    expect(after.processes.every(({ ready }) => ready)).toBe(true);
    await eventually(async () => (await cluster.cli("get", "deployment", "web")).stdout.includes("3/3"));
  }, 60_000);

  test("down stops every process and reset removes the data", async () => {
    const { processes } = await cluster.status();

    expect((await cluster.kubesim("down")).stdout).toContain("is down");

    expect(processes.filter(({ pid }) => isAlive(pid))).toEqual([]);
    await cluster.kubesim("reset");
    expect(existsSync(cluster.dataDir)).toBe(false);
  }, 30_000);
});

describe("bad places to start a cluster", () => {
  const folder = mkdtempSync(join(tmpdir(), "kubesim-bad-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("a data directory that is a file is refused in one line", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const { run } = await import("../testkit/live-cluster.js");

    const { code, stderr } = await run(process.execPath, ["dist/cli/main.js", "up", "--data-dir", file]);

    expect(code).toBe(1);
    expect(stderr).toBe(`error: data directory ${file} is a file\n`);
  });

  test("a port in use is refused and nothing is started", async () => {
    const { run } = await import("../testkit/live-cluster.js");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      const args = ["up", "--data-dir", join(folder, "busy"), "--api-port", String(port)];
      const { code, stderr } = await run(process.execPath, ["dist/cli/main.js", ...args]);

      expect(code).toBe(1);
      expect(stderr).toBe(`error: listen tcp 127.0.0.1:${port}: bind: address already in use\n`);
    } finally {
      server.close();
    }
  });

  test("wrong usage exits with 2", async () => {
    const { run } = await import("../testkit/live-cluster.js");

    expect((await run(process.execPath, ["dist/cli/main.js", "up", "--nodes", "x"])).code).toBe(2);
    expect((await run(process.execPath, ["dist/cli/main.js", "nonsense"])).code).toBe(2);
  });
});

import { afterAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownPid } from "../../machinery/runtime/host.js";
import { claimPidFile, readLivePid, writePidFile } from "./pid-file.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-pid-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("one of two that claim a cluster at once has it, the other hears who", () => {
  const path = join(dir, "supervisor.pid");
  expect(claimPidFile(path, ownPid())).toBeUndefined();
  expect(claimPidFile(path, process.ppid)).toBe(ownPid());
  expect(readLivePid(path)).toBe(ownPid());
  expect(readdirSync(dir)).toEqual(["supervisor.pid"]);
});

test("what a process that has ended, or a crash, left behind is no claim", async () => {
  const path = join(dir, "stale.pid");
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  writePidFile(path, child.pid ?? 0);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(claimPidFile(path, ownPid())).toBeUndefined();
  writeFileSync(path, '{"pid":');
  expect(claimPidFile(path, ownPid())).toBeUndefined();
  writeFileSync(path, JSON.stringify({ pid: ownPid(), startTime: "another" }));
  expect(claimPidFile(path, ownPid())).toBeUndefined();
  expect(readLivePid(path)).toBe(ownPid());
});

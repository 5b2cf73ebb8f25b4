import { afterAll, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../machinery/api/clock.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { Child } from "./child.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-child-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A clock whose timers wait for the test; `armed` resolves with the next one. */
function handClock(): { clock: Clock; armed: () => Promise<() => void> } {
  const fires: (() => void)[] = [];
  let tell: (() => void) | undefined;
  const setTimer: Clock["setTimer"] = (_delayMs, fire) => {
    fires.push(fire);
    tell?.();
    return { cancel: () => {} };
  };
  const armed = async (): Promise<() => void> => {
    if (fires.length === 0) await new Promise<void>((resolve) => (tell = resolve));
    return fires.shift() as () => void;
  };
  return {
    clock: Object.assign(Object.create(systemClock()) as Clock, { setTimer, monotonicMs: () => 0 }),
    armed,
  };
}

test("a process that cannot be started again for now is tried later, and its supervisor lives on", async () => {
  const { clock, armed } = handClock();
  const logs = join(dir, "logs");
  mkdirSync(logs);
  const child = new Child({
    name: "apiserver",
    command: ["-e", "process.exit(3)"],
    logFile: join(logs, "apiserver.log"),
    pidFile: join(dir, "apiserver.pid"),
    clock,
    logger: silentLogger,
  });
  child.start();
  const first = await armed();
  expect(child.lastExit).toContain("exit code");
  rmSync(logs, { recursive: true });
  first();
  expect(child.pid).toBeUndefined();
  expect(child.lastExit).toContain("ENOENT");
  const second = await armed();
  mkdirSync(logs);
  second();
  expect(child.pid).toBeGreaterThan(0);
  await child.stop(1000);
});

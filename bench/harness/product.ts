import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Scope } from "./scope.js";

const MAIN = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const STOP_GRACE_MS = 6000;
const LOG_TAIL_BYTES = 600;

export interface RunningProduct {
  pid: number;
  /** Resolves when it has ended. */
  ended: Promise<void>;
  /** Rejects as soon as it ends; never resolves. */
  failure: Promise<never>;
}

/** `kubesim <args>` as users run it, by node; ended with the scope, by force if it does not stop. */
export function startProduct(scope: Scope, args: readonly string[], logFile: string): RunningProduct {
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  let stopping = false;
  const failure = ended.then((): Promise<never> => {
    if (stopping) return new Promise(() => {});
    throw new Error(`kubesim ${args[0]} ended: ${tail(logFile)}`);
  });
  // Whoever waits for the product races with this; nobody may be waiting.
  failure.catch(() => {});
  scope.defer(async () => {
    stopping = true;
    await stop(child, ended);
  });
  return { pid: child.pid ?? 0, ended, failure };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await ended;
  clearTimeout(kill);
}

const tail = (file: string): string => readFileSync(file, "utf8").slice(-LOG_TAIL_BYTES).trim();

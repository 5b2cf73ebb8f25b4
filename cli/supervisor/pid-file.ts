import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAlive, processStartTime, sendSignal } from "../../machinery/runtime/host.js";

/** A process that was started, told apart from a later one with the same number by its start time. */
export interface PidRecord {
  pid: number;
  startTime: string;
}

export function writePidFile(path: string, pid: number): void {
  const record: PidRecord = { pid, startTime: processStartTime(pid) ?? "" };
  writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
}

/**
 * Writes the file unless it names another process that runs, which is answered. Of two that try at once one has it: only
 * one can make the link, and what is in the way is moved aside before it is judged.
 */
export function claimPidFile(path: string, pid: number): number | undefined {
  const own = `${path}.${pid}`;
  const aside = `${own}.old`;
  writePidFile(own, pid);
  try {
    while (!link(own, path)) {
      const owner = readLivePid(path);
      if (owner !== undefined) return owner;
      if (!move(path, aside)) continue;
      const late = readLivePid(aside);
      if (late === undefined) continue;
      link(aside, path);
      return late;
    }
    return undefined;
  } finally {
    for (const file of [own, aside]) rmSync(file, { force: true });
  }
}

/** False when `to` exists. */
const link = (from: string, to: string): boolean => unlessCode("EEXIST", () => linkSync(from, to));
/** False when `from` does not exist. */
const move = (from: string, to: string): boolean => unlessCode("ENOENT", () => renameSync(from, to));

function unlessCode(code: string, run: () => void): boolean {
  try {
    run();
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== code) throw err;
    return false;
  }
}

/** The recorded process if it still runs, else undefined. */
export function readLivePid(path: string): number | undefined {
  let record: PidRecord;
  try {
    record = JSON.parse(readFileSync(path, "utf8")) as PidRecord;
  } catch {
    return undefined;
  }
  if (!Number.isInteger(record.pid) || record.pid <= 1 || !isAlive(record.pid)) return undefined;
  return processStartTime(record.pid) === record.startTime ? record.pid : undefined;
}

/** Ends what an earlier supervisor left behind (stopped processes are resumed first) and removes the file. */
export function endLeftover(path: string): void {
  const pid = readLivePid(path);
  if (pid !== undefined) {
    sendSignal(pid, "SIGCONT");
    sendSignal(pid, "SIGKILL");
  }
  rmSync(path, { force: true });
}

import { readFileSync, rmSync, writeFileSync } from "node:fs";
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

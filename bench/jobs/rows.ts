import { rmSync } from "node:fs";
import { openRows } from "../floors/rows-file.js";

export interface RowsOptions {
  file: string;
  warmUpMs: number;
  durationMs: number;
  rowsPerTransaction: number;
  value: string;
}

/** Raw better-sqlite3 with the durability of the API server, no network, no JSON: rows a second. */
export function run(options: RowsOptions): number {
  const rows = openRows(options.file);
  const value = Buffer.from(options.value);
  const fromMs = performance.now() + options.warmUpMs;
  const untilMs = fromMs + options.durationMs;
  const batch = Array.from({ length: options.rowsPerTransaction });
  let written = 0;
  let next = 0;
  let measuredMs = 0;
  for (let startedMs = performance.now(); startedMs < untilMs; ) {
    rows.commit(batch.map(() => ({ key: `/registry/configmaps/default/row-${next++}`, value })));
    const nowMs = performance.now();
    if (startedMs >= fromMs) {
      written += batch.length;
      measuredMs += nowMs - startedMs;
    }
    startedMs = nowMs;
  }
  rows.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${options.file}${suffix}`, { force: true });
  return (written / measuredMs) * 1000;
}

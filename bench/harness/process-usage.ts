import { readFileSync } from "node:fs";
import { Unavailable } from "./unavailable.js";

/** Of Linux's /proc. CPU time is counted in ticks of this many milliseconds everywhere that Node.js runs. */
const TICK_MS = 10;

export interface Usage {
  /** Resident memory, shared pages included. */
  rssMB: number;
  /** The same, pages that several processes share split among them. */
  pssMB: number;
  cpuMs: number;
}

/** Memory and CPU time of a running process. Throws Unavailable where there is no /proc. */
export function usageOf(pid: number): Usage {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the command name, which may hold anything: state is field 0, utime 11, stime 12.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      rssMB: megabytes(rollup, "Rss"),
      pssMB: megabytes(rollup, "Pss"),
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    };
  } catch {
    throw new Unavailable(`the usage of process ${pid} cannot be read from /proc`);
  }
}

const megabytes = (rollup: string, name: string): number =>
  Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN) / 1024;

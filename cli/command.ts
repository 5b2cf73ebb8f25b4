import type { Clock } from "../machinery/api/clock.js";

/** The terminal (or pipe) a command talks to. */
export interface CliContext {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  clock: Clock;
  /** Aborts on the first Ctrl-C or SIGTERM; a second one ends the process. */
  signal: AbortSignal;
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage; `chaos run` and `verify` 0 held, 1 violated, 2 could not run. */
export type ExitCode = number;

/** One verb, `cli/commands/<name>.ts`. `args` are what follows the verb. */
export interface CliCommand {
  run(args: readonly string[], context: CliContext): Promise<ExitCode>;
}

/** One line of the table of contents; the module is loaded only when its verb is used. */
export interface CliEntry {
  name: string;
  group: "Cluster" | "Objects" | "Exploring" | "Chaos" | "Processes";
  summary: string;
  load(): Promise<CliCommand>;
}

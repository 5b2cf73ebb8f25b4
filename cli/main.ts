#!/usr/bin/env node
import { systemClock } from "../machinery/runtime/system-clock.js";
import { TransportError } from "../machinery/api/http.js";
import { StatusError } from "../machinery/api/status.js";
import type { CliContext, CliEntry } from "./command.js";
import { commands } from "./commands.js";
import { describeFlags, HelpRequested } from "./flags.js";
import { errorLine } from "./printers/error-line.js";
import { UserError } from "./supervisor/cluster.js";

/** As a shell reports a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

async function main(argv: readonly string[]): Promise<number> {
  const [verb = "help", ...args] = argv;
  if (verb === "help" || verb === "--help" || verb === "-h") {
    process.stdout.write(usage());
    return 0;
  }
  const entry = commands.find((candidate) => candidate.name === verb);
  if (!entry) {
    process.stderr.write(`error: unknown command "${verb}" for "kubesim"\nRun 'kubesim --help' for usage.\n`);
    return 2;
  }
  return run(entry, args);
}

async function run(entry: CliEntry, args: readonly string[]): Promise<number> {
  // A process of the cluster handles its own signals.
  const ours = entry.group === "Processes" ? contextWith(new AbortController().signal) : context();
  try {
    const command = await entry.load();
    return await command.run(args, ours);
  } catch (err) {
    if (ours.signal.aborted && err === ours.signal.reason) return INTERRUPTED;
    if (err instanceof HelpRequested) {
      process.stdout.write(`${entry.summary}.\n\nOptions:\n${describeFlags(err.specs)}`);
      return 0;
    }
    if (err instanceof StatusError) {
      process.stderr.write(`${errorLine(err)}\n`);
      return 1;
    }
    if (err instanceof TransportError) {
      process.stderr.write(
        `The connection to the server was refused or cut - is the cluster up? (${err.message})\n`,
      );
      return 1;
    }
    if (err instanceof UserError) {
      process.stderr.write(`error: ${err.message}\n`);
      return err.exitCode;
    }
    throw err;
  }
}

function context(): CliContext {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return contextWith(controller.signal);
}

const contextWith = (signal: AbortSignal): CliContext => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock(),
  signal,
});

function usage(): string {
  const groups = [...new Set(commands.map((entry) => entry.group))];
  const sections = groups.map((group) => {
    const lines = commands
      .filter((entry) => entry.group === group)
      .map((entry) => `  ${entry.name.padEnd(14)} ${entry.summary}`);
    return `${group}:\n${lines.join("\n")}\n`;
  });
  return `kubesim: a Kubernetes control plane small enough to break on purpose\n\n${sections.join("\n")}\nUse "kubesim <command> --help" for its flags.\n`;
}

process.exitCode = await main(process.argv.slice(2));

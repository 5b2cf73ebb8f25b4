import { Command, CommanderError } from "commander";
import { sendSignal } from "../../machinery/runtime/host.js";
import type { CliCommand, CliContext } from "../command.js";
import { ClusterDir, defaultDataDir, UserError } from "../supervisor/cluster.js";
import { endLeftover, readLivePid } from "../supervisor/pid-file.js";
import { DUPLICATES, PROCESS_NAMES, pidFile } from "../supervisor/processes.js";

export interface WhichCluster {
  name: string;
  dataDir?: string;
}

/** `--name` and `--data-dir`; undefined when only help was asked. Throws UserError (exit code 2) on wrong usage. */
export function parseWhich<T extends WhichCluster>(
  args: readonly string[],
  verb: string,
  description: string,
  more: (command: Command) => Command = (command) => command,
): T | undefined {
  const command = more(
    new Command(`kubesim ${verb}`)
      .description(description)
      .option("--name <name>", "which cluster", "default")
      .option("--data-dir <dir>", "its data directory (default ~/.kubesim/<name>)"),
  ).exitOverride();
  try {
    command.parse([...args], { from: "user" });
  } catch (err) {
    if (err instanceof CommanderError && err.exitCode === 0) return undefined;
    throw new UserError((err as Error).message.replace(/^error: /, ""), 2);
  }
  return command.opts<T>();
}

export const dirOf = (which: WhichCluster): ClusterDir =>
  new ClusterDir(which.dataDir ?? defaultDataDir(which.name));

export const downCommand: CliCommand = {
  async run(args, context) {
    const which = parseWhich(args, "down", "Stops a cluster. Its data stays; the next `up` goes on from it.");
    if (!which) return 0;
    const stopped = await stopCluster(dirOf(which), context);
    context.stdout.write(
      stopped ? `Cluster "${which.name}" is down\n` : `Cluster "${which.name}" was not running\n`,
    );
    return 0;
  },
};

const POLL_MS = 20;
const STOP_TIMEOUT_MS = 10_000;

/** Stops supervisor and processes, resuming stopped ones first; false when nothing ran. Removes stale pid files. */
export async function stopCluster(dir: ClusterDir, context: CliContext): Promise<boolean> {
  const cluster = dir.read();
  if (!cluster) return false;
  const supervisorFile = pidFile(cluster, "supervisor");
  const supervisor = readLivePid(supervisorFile);
  let ran = supervisor !== undefined;
  for (const name of [...PROCESS_NAMES, ...DUPLICATES]) {
    const pid = readLivePid(pidFile(cluster, name));
    if (pid === undefined) continue;
    ran = true;
    sendSignal(pid, "SIGCONT");
  }
  if (supervisor !== undefined) {
    sendSignal(supervisor, "SIGCONT");
    sendSignal(supervisor, "SIGTERM");
    const deadlineMs = context.clock.monotonicMs() + STOP_TIMEOUT_MS;
    while (readLivePid(supervisorFile) !== undefined && context.clock.monotonicMs() < deadlineMs) {
      await context.clock.sleep(POLL_MS);
    }
    endLeftover(supervisorFile);
  }
  for (const name of [...PROCESS_NAMES, ...DUPLICATES]) endLeftover(pidFile(cluster, name));
  return ran;
}

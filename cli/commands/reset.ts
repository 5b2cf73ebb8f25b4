import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { CliCommand } from "../command.js";
import { dirOf, parseWhich, stopCluster } from "./down.js";

export const resetCommand: CliCommand = {
  async run(args, context) {
    const which = parseWhich(
      args,
      "reset",
      "Stops a cluster and deletes its data directory: database, keys, logs.",
    );
    if (!which) return 0;
    const dir = dirOf(which);
    const cluster = dir.read();
    if (!cluster) {
      context.stdout.write(`There is no cluster in ${dir.path}\n`);
      return 0;
    }
    await stopCluster(dir, context);
    // Only a directory that says it is a cluster's is removed, and a run directory only where we put such.
    if (cluster.runDir.startsWith(tmpdir())) rmSync(cluster.runDir, { recursive: true, force: true });
    rmSync(dir.path, { recursive: true, force: true });
    context.stdout.write(`Cluster "${cluster.name}" is gone (${dir.path})\n`);
    return 0;
  },
};

import { whenAborted } from "../machinery/api/when-aborted.js";
import { writeSync } from "node:fs";
import type { Logger } from "../machinery/api/logger.js";
import { ListenError } from "../machinery/network/edge/listen-error.js";
import { jsonLogger } from "../machinery/runtime/json-logger.js";
import { shutdownSignal } from "../machinery/runtime/shutdown.js";
import { DataDirError } from "./data-dir.js";
import { type ApiServerProcessOptions, parseApiServerOptions } from "./options.js";
import { type RunningApiServer, startApiServer } from "./process.js";
import { StorageError } from "./storage/storage.js";

/** `kubesim apiserver`: the Kubernetes API, and the only process that opens the database. */
export async function main(argv: readonly string[]): Promise<void> {
  const options = parseApiServerOptions(argv);
  const signal = shutdownSignal(
    options.supervisorFd === undefined ? undefined : Number(options.supervisorFd),
  );
  const logger = jsonLogger({ component: "apiserver" }, options.logLevel);
  try {
    const server = await start(options, logger, signal);
    logger.info("Serving the Kubernetes API", {
      address: server.address,
      startedMs: Math.round(performance.now()),
    });
    await whenAborted(signal);
    await server.stop();
  } catch (err) {
    // What the user can mend is one line; the rest keeps its stack.
    if (!isUsersToMend(err)) throw err;
    writeSync(2, `kubesim apiserver: ${err.message}\n`);
    process.exit(1);
  }
  process.exit(0);
}

/** A replica is rarely asked for: the rest need not load it. */
async function start(
  options: ApiServerProcessOptions,
  logger: Logger,
  signal: AbortSignal,
): Promise<RunningApiServer> {
  const { follow } = options;
  if (follow === undefined) return startApiServer(options, logger);
  const { startReplica } = await import("./replica-process.js");
  return startReplica({ ...options, follow }, logger, signal);
}

const isUsersToMend = (err: unknown): err is Error =>
  err instanceof StorageError || err instanceof ListenError || err instanceof DataDirError;

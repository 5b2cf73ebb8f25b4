import { Socket } from "node:net";

/**
 * Aborts on SIGINT or SIGTERM, and when the supervisor's pipe ends (so that no child outlives it). A second signal ends
 * the process at once.
 */
export function shutdownSignal(supervisorFd?: number): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new Error("shutting down"));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  if (supervisorFd !== undefined) {
    // Not a file stream: its read would hold a thread of the pool for ever.
    const pipe = new Socket({ fd: supervisorFd, readable: true, writable: false });
    const orphaned = (): void => {
      stop();
      // Two seconds are promised; an orderly stop that takes longer is cut short.
      setTimeout(() => process.exit(1), 1500).unref();
    };
    pipe.on("end", orphaned).on("error", orphaned).resume().unref();
  }
  return controller.signal;
}

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { JobMessage, JobName, JobOptions, JobResult, ServerName, ServerOptions } from "../jobs/jobs.js";
import type { Scope } from "./scope.js";

const ENTRY = fileURLToPath(new URL("../jobs/main.js", import.meta.url));

/**
 * Runs a load generator or a bare measurement in a process of its own. It ends with its answer, with the scope, or when
 * this process does.
 */
export async function runJob<N extends JobName>(
  scope: Scope,
  name: N,
  options: JobOptions<N>,
): Promise<JobResult<N>> {
  const child = start(scope);
  try {
    return (await ask(child, { job: name, options })) as JobResult<N>;
  } finally {
    child.disconnect();
  }
}

/** Starts a floor's server in a process of its own; it serves until the scope closes. Answers its port. */
export function startServer(
  scope: Scope,
  name: ServerName,
  options: ServerOptions,
): Promise<{ port: number }> {
  return ask(start(scope), { server: name, options }) as Promise<{ port: number }>;
}

function start(scope: Scope): ChildProcess {
  const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  scope.defer(() => {
    if (child.connected) child.disconnect();
    child.kill("SIGKILL");
  });
  return child;
}

function ask(child: ChildProcess, message: JobMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`a bench process ended (${signal ?? code})`)));
    child.once("error", reject);
    child.once("message", (answer: { result: unknown } | { error: string }) => {
      if ("error" in answer) reject(new Error(answer.error));
      else resolve(answer.result);
    });
    child.send(message);
  });
}

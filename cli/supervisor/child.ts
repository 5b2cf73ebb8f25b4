import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import type { Clock, Timer } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { writePidFile } from "./pid-file.js";

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
/** A process that ran this long starts over at the first back-off. */
const STEADY_MS = 30_000;

export interface ChildOptions {
  name: string;
  /** Module and arguments for this Node.js. */
  command: readonly string[];
  logFile: string;
  pidFile: string;
  clock: Clock;
  logger: Logger;
}

/** One supervised process: started again, with back-off, whenever it ends unasked. */
export class Child {
  readonly name: string;
  restarts = 0;
  /** Why the last run ended: `exit code 1`, `SIGKILL`. */
  lastExit: string | undefined;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #startedMs = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #restart: Timer | undefined;
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const { clock, command, logFile, pidFile } = this.#options;
    const log = openSync(logFile, "a", 0o600);
    // Descriptor 3 is the pipe whose end tells the child that its supervisor is gone.
    const child = spawn(process.execPath, [...command, "--supervisor-fd", "3"], {
      stdio: ["ignore", log, log, "pipe"],
      // Its own process group: Ctrl-C reaches the supervisor alone, which stops the children in order.
      detached: true,
    });
    closeSync(log);
    this.#process = child;
    this.#startedMs = clock.monotonicMs();
    this.#ended = new Promise((resolve) => {
      child.once("error", (err) => this.#onEnd(`cannot start: ${err.message}`, resolve));
      child.once("exit", (code, signal) => this.#onEnd(signal ?? `exit code ${code}`, resolve));
    });
    if (child.pid !== undefined) this.#notePid(pidFile, child.pid);
  }

  /** Kills a run that began longer ago than this; it is then started again like any that ends. */
  endIfSilentFor(limitMs: number): void {
    const { clock, logger } = this.#options;
    if (!this.#process || clock.monotonicMs() - this.#startedMs < limitMs) return;
    logger.warn("Process does not answer; ending it", { process: this.name, pid: this.pid });
    this.#process.kill("SIGKILL");
  }

  /** Asks it to end, kills it after `graceMs`; resolves when it has ended. It stays down until `resumeRuns`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    await this.end(graceMs);
  }

  /** Asks this run to end, kills it after `graceMs` (0: at once); the next begins as after any end. */
  async end(graceMs: number): Promise<void> {
    const child = this.#process;
    if (!child) return;
    if (graceMs === 0) child.kill("SIGKILL");
    else {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
    }
    const kill = this.#options.clock.setTimer(graceMs, () => child.kill("SIGKILL"));
    await this.#ended;
    kill.cancel();
  }

  /** Starts it again after `stop`; does nothing to one that was not stopped. */
  resumeRuns(): void {
    if (!this.#stopping) return;
    this.#stopping = false;
    if (!this.#process) this.start();
  }

  /** SIGSTOP and SIGCONT. */
  setPaused(paused: boolean): void {
    this.#process?.kill(paused ? "SIGSTOP" : "SIGCONT");
  }

  /** Without the file the process still ends with its supervisor, by its pipe. */
  #notePid(file: string, pid: number): void {
    try {
      writePidFile(file, pid);
    } catch (err) {
      this.#options.logger.warn("Pid file cannot be written", { process: this.name, err });
    }
  }

  #onEnd(cause: string, resolve: () => void): void {
    if (!this.#process) return;
    this.#process = undefined;
    rmSync(this.#options.pidFile, { force: true });
    resolve();
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#startedMs > STEADY_MS) this.#backoffMs = FIRST_BACKOFF_MS;
    this.#startLater(cause);
  }

  #startLater(cause: string): void {
    this.lastExit = cause;
    if (this.#stopping) return;
    const { clock, logger, name } = this.#options;
    logger.warn("Process ended; starting it again", { process: name, cause, backoffMs: this.#backoffMs });
    this.#restart = clock.setTimer(this.#backoffMs, () => this.#startAgain());
    this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
  }

  /** A full disk, or no descriptor left, may pass: the other processes must not end because of it. */
  #startAgain(): void {
    this.restarts++;
    try {
      this.start();
    } catch (err) {
      this.#startLater(`cannot start: ${err instanceof Error ? err.message : String(err)}`);
    }
  }
}

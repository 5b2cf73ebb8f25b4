import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Scenario } from "../../chaos/scenario/types.js";
import type { SeedSummary } from "../../simulation/causes.js";
import type { ReadManifests } from "../../simulation/cluster-access.js";
import type { FromWorker, ToWorker } from "./seed-messages.js";

const WORKER = fileURLToPath(new URL("./seed-worker.js", import.meta.url));
/** One seed runs, the next waits in the pipe. */
const QUEUED_PER_WORKER = 2;
/** Most of what a simulation makes dies young: room for it halves the time that is lost to collecting it. */
const WORKER_ARGS = ["--max-semi-space-size=32"];
/** What a child may have lost to leaks is given back: it is replaced after so many seeds. */
const SEEDS_PER_WORKER = 500;

interface Task {
  scenario: Scenario;
  resolve(summary: SeedSummary): void;
  reject(err: Error): void;
}

interface Worker {
  child: ChildProcess;
  tasks: Map<number, Task>;
  served: number;
  cpuMs: number;
}

/** Runs seeds. */
export interface SeedRunner {
  /** How many runs can be under way before one waits for another. */
  readonly capacity: number;
  /** Rejects when the run failed for a mistake of ours, or its process died. */
  run(scenario: Scenario): Promise<SeedSummary>;
}

/** Child processes that run seeds beside each other. Close it: it keeps the program alive. */
export class SeedPool implements SeedRunner {
  readonly #files: ReadManifests;
  readonly #workers: Worker[] = [];
  readonly #waiting: Task[] = [];
  readonly #jobs: number;
  #nextId = 1;
  #cpuMs = 0;
  #closed = false;

  constructor(options: { jobs: number; files: ReadManifests }) {
    this.#files = options.files;
    this.#jobs = options.jobs;
  }

  run(scenario: Scenario): Promise<SeedSummary> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ scenario, resolve, reject });
      this.#dispatch();
    });
  }

  get capacity(): number {
    return this.#jobs * QUEUED_PER_WORKER;
  }

  /** Processor time of all workers up to their last answers. */
  get cpuMs(): number {
    return this.#cpuMs;
  }

  close(): void {
    this.#closed = true;
    for (const { child } of this.#workers.splice(0)) child.disconnect();
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      const worker = this.#freeWorker();
      const task = worker && this.#waiting.shift();
      if (!worker || !task) return;
      const id = this.#nextId++;
      worker.tasks.set(id, task);
      worker.served += 1;
      send(worker.child, { kind: "run", id, scenario: task.scenario });
    }
  }

  /** The one with the least to do; another process while there may be more. */
  #freeWorker(): Worker | undefined {
    if (this.#workers.length < this.#jobs && this.#workers.every(({ tasks }) => tasks.size > 0))
      return this.#newWorker();
    const [least] = [...this.#workers].sort((a, b) => a.tasks.size - b.tasks.size);
    return least && least.tasks.size < QUEUED_PER_WORKER ? least : undefined;
  }

  #newWorker(): Worker {
    const child = fork(WORKER, [], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "json",
      execArgv: [...process.execArgv, ...WORKER_ARGS],
    });
    const worker: Worker = { child, tasks: new Map(), served: 0, cpuMs: 0 };
    this.#workers.push(worker);
    send(child, { kind: "files", files: [...this.#files] });
    child.on("message", (message: FromWorker) => this.#onAnswer(worker, message));
    child.on("exit", (code, signal) => this.#onExit(worker, signal ?? `exit code ${code}`));
    return worker;
  }

  #onAnswer(worker: Worker, message: FromWorker): void {
    const task = worker.tasks.get(message.id);
    worker.tasks.delete(message.id);
    this.#cpuMs += message.cpuMs - worker.cpuMs;
    worker.cpuMs = message.cpuMs;
    if (!task) return;
    if ("summary" in message) task.resolve(message.summary);
    else task.reject(new Error(message.error));
    if (worker.served >= SEEDS_PER_WORKER && worker.tasks.size === 0) this.#retire(worker);
    this.#dispatch();
  }

  #retire(worker: Worker): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    worker.child.disconnect();
  }

  #onExit(worker: Worker, how: string): void {
    const at = this.#workers.indexOf(worker);
    if (at >= 0) this.#workers.splice(at, 1);
    for (const task of worker.tasks.values())
      task.reject(new Error(`the process that ran seed ${task.scenario.seed} ended: ${how}`));
    worker.tasks.clear();
    this.#dispatch();
  }
}

const send = (child: ChildProcess, message: ToWorker): void => void child.send(message, () => {});

import type { Clock } from "../../machinery/api/clock.js";
import type { Transport } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { Network } from "../../machinery/network/network.js";
import { type FileSystem, joinPath } from "../images/files.js";
import {
  type Child,
  ExecError,
  FIRST_PRIVATE_DESCRIPTOR,
  type OpenFile,
  type ProcessEntry,
  type Program,
  type Signal,
  type SpawnOptions,
  type TerminalControl,
} from "../images/process.js";
import { CpuShare } from "./cpu-share.js";
import { type ProcessStart, RunningProcess } from "./running-process.js";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What starting a process costs, in steps. */
const START_STEPS = 8;
const LARGEST_PROCESS_COUNT = 1024;

/** What all processes of one container share. */
export interface Machine {
  hostname: string;
  files: FileSystem;
  network: Network;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  programs: Readonly<Record<string, Program>>;
  api(signal: AbortSignal): Transport | undefined;
}

export interface FoundProgram {
  path: string;
  program: Program;
  /** Of a script: what its `#!` line puts in front. */
  prefix: readonly string[];
}

/** The processes of one container: its PID namespace. */
export class ProcessTable {
  readonly machine: Machine;
  readonly #processes = new Map<number, RunningProcess>();
  #nextPid = 1;
  readonly #cpu: CpuShare;

  constructor(machine: Machine) {
    this.machine = machine;
    this.#cpu = new CpuShare(machine.clock);
  }

  /** Makes and runs a process. Throws ExecError. */
  start(start: Omit<ProcessStart, "pid">, run?: Program): RunningProcess {
    if (this.#processes.size >= LARGEST_PROCESS_COUNT) {
      throw new ExecError("permission-denied", "Resource temporarily unavailable");
    }
    this.#cpu.charge(START_STEPS);
    const found = run ? undefined : this.find(start.argv[0] ?? "", { env: start.env, cwd: start.cwd });
    const argv = found?.prefix.length ? [...found.prefix, ...start.argv.slice(1)] : start.argv;
    const process = new RunningProcess(this, { ...start, argv, pid: this.#nextPid++ });
    this.#processes.set(process.id, process);
    process.exited.then(
      () => this.#processes.delete(process.id),
      () => {},
    );
    const program = run ?? found?.program;
    if (program) process.run(program);
    return process;
  }

  spawn(parent: RunningProcess, options: SpawnOptions): Child {
    const env = options.env ?? parent.environment;
    const cwd = options.cwd ?? parent.cwd;
    if (!options.run) this.find(options.argv[0] ?? "", { env, cwd });
    const descriptors = new Map<number, OpenFile>();
    for (const [number, file] of parent.descriptors) {
      const inherited = number < FIRST_PRIVATE_DESCRIPTOR && !options.descriptors?.has(number);
      if (inherited) descriptors.set(number, file.dup());
    }
    for (const [number, file] of options.descriptors ?? []) descriptors.set(number, file.dup());
    const { id, exited } = this.start(
      {
        parentPid: parent.id,
        argv: options.argv,
        env,
        cwd,
        descriptors,
        background: options.background ?? false,
      },
      options.run,
    );
    return { pid: id, exited };
  }

  /** As execvp: a name without a slash is looked up in PATH. Throws ExecError. */
  find(name: string, from: { env: ReadonlyMap<string, string>; cwd: string }): FoundProgram {
    if (name.includes("/")) return this.#load(name, joinPath(from.cwd, name));
    for (const directory of (from.env.get("PATH") ?? DEFAULT_PATH).split(":")) {
      const path = directory.startsWith("/")
        ? `${directory}/${name}`
        : joinPath(joinPath(from.cwd, directory), name);
      const stat = name === "" ? undefined : this.machine.files.stat(path);
      if (stat?.kind === "file" && (stat.mode & 0o111) !== 0) return this.#load(name, path);
    }
    throw new ExecError("not-found", `exec: "${name}": executable file not found in $PATH`);
  }

  entries(): ProcessEntry[] {
    return [...this.#processes.values()].map(({ id, parentPid, argv, startedAtMs }) => ({
      pid: id,
      parentPid,
      argv,
      startedAtMs,
    }));
  }

  descriptor(pid: number, number: number): OpenFile | undefined {
    return this.#processes.get(pid)?.descriptors.get(number);
  }

  signal(pid: number, signal: Signal | undefined, from: "inside" | "outside"): boolean {
    const process = this.#processes.get(pid);
    if (process && signal) process.deliver(signal, from);
    return process !== undefined;
  }

  /** To every process that holds the terminal. */
  signalTerminal(terminal: TerminalControl, signal: Signal): void {
    for (const process of Array.from(this.#processes.values())) {
      if ([...process.descriptors.values()].some((file) => file.terminal === terminal)) {
        process.deliver(signal, "outside");
      }
    }
  }

  killAll(): void {
    this.#cpu.stop();
    for (const process of Array.from(this.#processes.values()))
      process.end({ exitCode: 137, signal: "SIGKILL" });
  }

  /** A small step of work: waits when the container has done enough of them for now. */
  tick(): Promise<void> | undefined {
    return this.#cpu.take();
  }

  #load(name: string, path: string): FoundProgram {
    const { files, programs } = this.machine;
    const stat = files.stat(path);
    if (!stat) {
      throw new ExecError("no-such-file", `exec: "${name}": stat ${name}: no such file or directory`);
    }
    if (stat.kind === "directory") throw new ExecError("is-a-directory", `exec: "${name}": is a directory`);
    if ((stat.mode & 0o111) === 0)
      throw new ExecError("permission-denied", `exec: "${name}": permission denied`);
    const program = Object.hasOwn(programs, path) ? programs[path] : undefined;
    return program ? { path, program, prefix: [] } : this.#loadScript(name, path);
  }

  #loadScript(name: string, path: string): FoundProgram {
    const { files, programs } = this.machine;
    const firstLine = files.readText(path).split("\n", 1)[0] ?? "";
    const words = firstLine.startsWith("#!") ? firstLine.slice(2).trim().split(/\s+/) : ["/bin/sh"];
    const viaEnv = words[0]?.endsWith("/env") === true;
    const interpreter = viaEnv ? `/bin/${words[1] ?? "sh"}` : (words[0] ?? "/bin/sh");
    const program = Object.hasOwn(programs, interpreter) ? programs[interpreter] : undefined;
    if (!program) throw new ExecError("no-such-file", `exec ${name}: no such file or directory`);
    return { path, program, prefix: [interpreter, ...words.slice(viaEnv ? 2 : 1), path] };
  }
}

import { setMaxListeners } from "node:events";
import type { Clock } from "../../machinery/api/clock.js";
import type { Transport } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import { ConnectionError, type Network } from "../../machinery/network/network.js";
import { Resolver } from "../../machinery/network/resolver.js";
import { FileError, type FileSystem, joinPath } from "../images/files.js";
import {
  BrokenPipe,
  type Child,
  ExecError,
  FIRST_PRIVATE_DESCRIPTOR,
  type OpenFile,
  type Process,
  ProcessEnded,
  type ProcessEntry,
  type ProcessExit,
  type Program,
  type Signal,
  type SpawnOptions,
  signalNumbers,
} from "../images/process.js";
import { openDevice } from "./devices.js";
import { Pipe, type PipeEnd } from "./pipe.js";
import { ProcessClock } from "./process-clock.js";
import { ProcessNetwork } from "./process-network.js";
import type { ProcessTable } from "./process-table.js";

const IGNORED_BY_DEFAULT: ReadonlySet<Signal> = new Set(["SIGCHLD", "SIGCONT", "SIGWINCH", "SIGSTOP"]);

export interface ProcessStart {
  pid: number;
  parentPid: number;
  argv: readonly string[];
  env: ReadonlyMap<string, string>;
  cwd: string;
  /** Owned by the process from now on. */
  descriptors: Map<number, OpenFile>;
  background: boolean;
}

/** One program in a container, and everything it holds. */
export class RunningProcess implements Process {
  readonly id: number;
  readonly parentPid: number;
  argv: readonly string[];
  readonly environment: Map<string, string>;
  cwd: string;
  readonly startedAtMs: number;
  readonly exited: Promise<ProcessExit>;
  readonly #table: ProcessTable;
  readonly #descriptors: Map<number, OpenFile>;
  #signalActions: Map<Signal, (() => void) | "ignore"> | undefined;
  #clock: ProcessClock | undefined;
  #network: ProcessNetwork | undefined;
  #resolver: Resolver | undefined;
  #abort: AbortController | undefined;
  #rng: Rng | undefined;
  /** Ends of own pipes that are no descriptors. */
  #pipeEnds: PipeEnd[] = [];
  #ended: ProcessExit | undefined;
  #resolveExited: (exit: ProcessExit) => void = () => {};

  constructor(table: ProcessTable, start: ProcessStart) {
    this.#table = table;
    this.id = start.pid;
    this.parentPid = start.parentPid;
    this.argv = start.argv;
    this.environment = new Map(start.env);
    this.cwd = start.cwd;
    this.startedAtMs = table.machine.clock.nowMs();
    this.#descriptors = start.descriptors;
    if (start.background) this.onSignal("SIGINT", "ignore");
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
  }

  get hostname(): string {
    return this.#table.machine.hostname;
  }
  get stdin(): OpenFile {
    return this.#descriptor(0);
  }
  get stdout(): OpenFile {
    return this.#descriptor(1);
  }
  get stderr(): OpenFile {
    return this.#descriptor(2);
  }
  get descriptors(): ReadonlyMap<number, OpenFile> {
    return this.#descriptors;
  }
  get files(): FileSystem {
    return this.#table.machine.files;
  }
  get network(): Network {
    this.#network ??= this.#guard(new ProcessNetwork(this.#table.machine.network, () => this.signal));
    return this.#network;
  }
  get clock(): Clock {
    this.#clock ??= this.#guard(new ProcessClock(this.#table.machine.clock));
    return this.#clock;
  }
  get rng(): Rng {
    this.#rng ??= this.#table.machine.rng.fork(`process-${this.id}`);
    return this.#rng;
  }
  get logger(): Logger {
    return this.#table.machine.logger;
  }
  get resolver(): Resolver {
    this.#resolver ??= new Resolver({
      network: this.network,
      clock: this.clock,
      rng: this.rng.fork("resolver"),
      readFile: (path) => (this.files.stat(path) ? this.files.readText(path) : ""),
    });
    return this.#resolver;
  }
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      // A program may wait for as many connections as it likes.
      setMaxListeners(0, this.#abort.signal);
      if (this.#ended) this.#abort.abort(new ProcessEnded());
    }
    return this.#abort.signal;
  }

  path(path: string): string {
    return joinPath(this.cwd, path);
  }

  setDescriptor(descriptor: number, file: OpenFile | undefined): void {
    const before = this.#descriptors.get(descriptor);
    if (before === file) return;
    before?.close();
    if (file) this.#descriptors.set(descriptor, file);
    else this.#descriptors.delete(descriptor);
  }

  open(path: string, mode: "read" | "write" | "append"): OpenFile {
    const absolute = this.path(path);
    const held = this.#heldBy(absolute);
    if (held) return held;
    const device = openDevice(
      absolute,
      () => this.rng.fork("random"),
      () => this.tick(),
    );
    return device ?? this.files.openFile(absolute, mode);
  }

  pipe(): { reader: OpenFile; writer: OpenFile } {
    const pipe = new Pipe();
    const ends = { reader: pipe.openReader(), writer: pipe.openWriter() };
    this.#pipeEnds = [...this.#pipeEnds.filter((end) => !end.closed), ends.reader, ends.writer];
    return ends;
  }

  sleep(ms: number): Promise<void> {
    return this.clock.sleep(ms);
  }

  background(task: () => Promise<void>): void {
    task().catch((err: unknown) => {
      if (this.#ended || isExpected(err)) return;
      this.logger.warn("A program's task failed", { argv: this.argv.join(" "), err });
    });
  }

  tick(): Promise<void> | undefined {
    return this.#table.tick();
  }

  onSignal(signal: Signal, action: (() => void) | "ignore" | "default"): void {
    this.#signalActions ??= new Map();
    if (action === "default") this.#signalActions.delete(signal);
    else this.#signalActions.set(signal, action);
  }

  exit(code: number): void {
    this.end({ exitCode: code & 0xff });
  }

  which(name: string): string {
    return this.#table.find(name, this.#lookup()).path;
  }

  async exec(argv: readonly string[]): Promise<number> {
    const { program, prefix } = this.#table.find(argv[0] ?? "", this.#lookup());
    this.argv = prefix.length > 0 ? [...prefix, ...argv.slice(1)] : argv;
    for (const [signal, action] of this.#signalActions ?? []) {
      if (action !== "ignore") this.onSignal(signal, "default");
    }
    for (const descriptor of this.#descriptors.keys()) {
      if (descriptor >= FIRST_PRIVATE_DESCRIPTOR) this.setDescriptor(descriptor, undefined);
    }
    this.run(program);
    // The program that called this is gone: nothing after its call may run.
    return new Promise(() => {});
  }

  spawn(options: SpawnOptions): Child {
    if (this.#ended) throw new ProcessEnded();
    return this.#table.spawn(this, options);
  }

  processes(): ProcessEntry[] {
    return this.#table.entries();
  }

  kill(pid: number, signal: Signal): boolean {
    return this.#table.signal(pid, signal, "inside");
  }

  api(): Transport | undefined {
    return this.#table.machine.api(this.signal);
  }

  /** Runs the program to its end; the machine's half of `Program`. */
  run(program: Program): void {
    program(this).then(
      (code) => this.exit(code),
      (err: unknown) => this.#fail(err),
    );
  }

  /** A signal arrives. `inside` the container the kernel protects PID 1 even from SIGKILL. */
  deliver(signal: Signal, from: "inside" | "outside"): void {
    if (this.#ended) return;
    const isInit = this.id === 1;
    if (signal === "SIGKILL") {
      if (!isInit || from === "outside") this.#die(signal);
      return;
    }
    const action = this.#signalActions?.get(signal);
    if (typeof action === "function") action();
    else if (action === undefined && !isInit && !IGNORED_BY_DEFAULT.has(signal)) this.#die(signal);
  }

  end(exit: ProcessExit): void {
    if (this.#ended) return;
    this.#ended = exit;
    this.#abort?.abort(new ProcessEnded());
    for (const file of this.#descriptors.values()) file.close();
    this.#descriptors.clear();
    for (const end of this.#pipeEnds) end.close();
    this.#network?.free();
    this.#clock?.free();
    this.#resolveExited(exit);
  }

  #lookup(): { env: ReadonlyMap<string, string>; cwd: string } {
    return { env: this.environment, cwd: this.cwd };
  }

  #die(signal: Signal): void {
    this.end({ exitCode: 128 + signalNumbers[signal], signal });
  }

  #fail(err: unknown): void {
    if (this.#ended) return;
    if (err instanceof BrokenPipe) return this.#die("SIGPIPE");
    if (!isExpected(err)) this.logger.error("A program failed", { argv: this.argv.join(" "), err });
    const text = `${this.argv[0] ?? ""}: ${err instanceof Error ? err.message : String(err)}\n`;
    this.stderr.write(text).then(
      () => this.exit(1),
      () => this.exit(1),
    );
  }

  #descriptor(number: number): OpenFile {
    const file = this.#descriptors.get(number);
    if (file) return file;
    if (this.#ended) throw new ProcessEnded();
    throw new FileError("EBADF");
  }

  /** `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/1`, `/proc/1/fd/2`: a duplicate of what a process holds. */
  #heldBy(path: string): OpenFile | undefined {
    const named = STANDARD_STREAMS.get(path);
    const match = named ? undefined : HELD_FILE.exec(path);
    if (named === undefined && !match) return path === "/dev/tty" ? this.stdin.dup() : undefined;
    const owner = match?.[1] && match[1] !== "self" ? Number(match[1]) : this.id;
    const number = named ?? Number(match?.[2] ?? match?.[3]);
    const file = owner === this.id ? this.#descriptors.get(number) : this.#table.descriptor(owner, number);
    if (!file) throw new FileError("ENOENT");
    return file.dup();
  }

  /** What is first asked for after the end is made, and freed at once. */
  #guard<T extends { free(): void }>(resource: T): T {
    if (this.#ended) resource.free();
    return resource;
  }
}

const STANDARD_STREAMS = new Map([
  ["/dev/stdin", 0],
  ["/dev/stdout", 1],
  ["/dev/stderr", 2],
]);
const HELD_FILE = /^(?:\/proc\/(self|\d+)\/fd\/(\d+)|\/dev\/fd\/(\d+))$/;

const isExpected = (err: unknown): boolean =>
  err instanceof ProcessEnded ||
  err instanceof BrokenPipe ||
  err instanceof FileError ||
  err instanceof ExecError ||
  err instanceof ConnectionError;

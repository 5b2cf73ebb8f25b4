import type { Clock } from "../../machinery/api/clock.js";
import type { Transport } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { Network } from "../../machinery/network/network.js";
import type { Resolver } from "../../machinery/network/resolver.js";
import type { FileSystem } from "./files.js";

/**
 * A program of an image. Returns its exit code. It must do everything through its Process: once that has ended (by a
 * signal, or because the container ended) every call rejects with ProcessEnded, which the program lets pass.
 */
export type Program = (process: Process) => Promise<number>;

export type Signal =
  | "SIGHUP"
  | "SIGINT"
  | "SIGQUIT"
  | "SIGKILL"
  | "SIGUSR1"
  | "SIGUSR2"
  | "SIGPIPE"
  | "SIGALRM"
  | "SIGTERM"
  | "SIGCHLD"
  | "SIGCONT"
  | "SIGSTOP"
  | "SIGWINCH";

export const signalNumbers: Readonly<Record<Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGWINCH: 28,
};

/** `TERM`, `SIGTERM`, `sigterm` and `15` are one; undefined when there is no such signal. */
export function parseSignal(text: string): Signal | undefined {
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  if (Object.hasOwn(signalNumbers, name)) return name as Signal;
  const entry = Object.entries(signalNumbers).find(([, number]) => String(number) === text);
  return entry?.[0] as Signal | undefined;
}

/** Rejects every call of a program that has ended. Never shown to anyone. */
export class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";
}

/** Writing to a pipe that nobody reads: ends a program as SIGPIPE would. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
  constructor() {
    super("Broken pipe");
  }
}

/** One holder's end of a pipe, a file, a terminal or a device. `dup` makes another holder of the same thing. */
export interface OpenFile {
  /** Next bytes (at most `limit`), or undefined at the end. */
  read(limit?: number): Promise<Uint8Array | undefined>;
  /** Puts bytes back in front: what was read too far. */
  unread(bytes: Uint8Array): void;
  /** Resolves when more can be taken. Rejects with BrokenPipe when nobody reads, FileError when the disk is full. */
  write(content: Uint8Array | string): Promise<void>;
  dup(): OpenFile;
  /** Idempotent; rejects what this holder is waiting for. */
  close(): void;
  readonly terminal?: TerminalControl;
}

export interface TerminalControl {
  readonly width: number;
  readonly height: number;
  /** Raw: every key is handed over at once, unechoed, Ctrl-C and Ctrl-D included; only CR comes as newline. */
  setRaw(raw: boolean): void;
}

export interface ProcessExit {
  exitCode: number;
  signal?: Signal;
}

export interface Child {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
}

/** Descriptors from here on are not inherited by children. */
export const FIRST_PRIVATE_DESCRIPTOR = 100;

export interface SpawnOptions {
  argv: readonly string[];
  /** Default: the program that `argv[0]` names; `run` takes code in place of a file, as fork does. */
  run?: Program;
  /** Default: the parent's. */
  env?: ReadonlyMap<string, string>;
  cwd?: string;
  /** Replace the parent's descriptors; the child gets duplicates. Others are inherited. */
  descriptors?: ReadonlyMap<number, OpenFile>;
  /** Ignores SIGINT, as commands that a shell runs with `&` do. */
  background?: boolean;
}

export interface ProcessEntry {
  pid: number;
  parentPid: number;
  argv: readonly string[];
  startedAtMs: number;
}

/** Why a program cannot be started: shells say 127 or 126. */
export class ExecError extends Error {
  override readonly name = "ExecError";
  readonly reason: "not-found" | "no-such-file" | "permission-denied" | "is-a-directory";
  constructor(
    reason: "not-found" | "no-such-file" | "permission-denied" | "is-a-directory",
    message: string,
  ) {
    super(message);
    this.reason = reason;
  }
}

/** What a program sees of its machine. All of it is freed when the program ends. */
export interface Process {
  /** Its PID. */
  readonly id: number;
  readonly parentPid: number;
  /** `argv[0]` is the program's name as it was called. */
  readonly argv: readonly string[];
  /** Its environment variables. */
  readonly environment: Map<string, string>;
  cwd: string;
  readonly hostname: string;
  readonly stdin: OpenFile;
  readonly stdout: OpenFile;
  readonly stderr: OpenFile;
  readonly descriptors: ReadonlyMap<number, OpenFile>;
  /** Takes over `file`; closes what was there. Undefined only closes. */
  setDescriptor(descriptor: number, file: OpenFile | undefined): void;
  readonly files: FileSystem;
  /** Absolute form of a path as this program sees it. */
  path(path: string): string;
  /** Opens files and devices (`/dev/null`, `/dev/stdout`, `/proc/1/fd/1`). Throws FileError. */
  open(path: string, mode: "read" | "write" | "append"): OpenFile;
  pipe(): { reader: OpenFile; writer: OpenFile };
  /** Listeners, sockets and connections end with the program. */
  readonly network: Network;
  readonly resolver: Resolver;
  /** Timers end with the program. */
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Aborts when the program has ended. */
  readonly signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  /** Runs beside the program and ends with it; a failure is logged, not thrown. */
  background(task: () => Promise<void>): void;
  /** Lets virtual and real time pass now and then in a loop that would otherwise never wait. */
  tick(): Promise<void> | undefined;
  onSignal(signal: Signal, action: (() => void) | "ignore" | "default"): void;
  /** Ends at once; the program's own return value is then not looked at. */
  exit(code: number): void;
  /** Absolute path of the program that a name stands for. Throws ExecError. */
  which(name: string): string;
  /** Becomes another program: `return process.exec(argv)`. Rejects with ExecError, else never settles. */
  exec(argv: readonly string[]): Promise<number>;
  /** Throws ExecError. */
  spawn(options: SpawnOptions): Child;
  processes(): ProcessEntry[];
  /** False when there is no such process. */
  kill(pid: number, signal: Signal): boolean;
  /** The API server, as the pod's ServiceAccount; undefined when no token is mounted. */
  api(): Transport | undefined;
}

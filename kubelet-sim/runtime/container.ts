import type { Clock } from "../../machinery/api/clock.js";
import type { Rng } from "../../machinery/api/rng.js";
import type {
  AttachSession,
  Container,
  ContainerConfig,
  ContainerLog,
  ExecRequest,
  ExecSession,
  ExitStatus,
} from "../container-runtime.js";
import type { Image } from "../images/image.js";
import { ExecError, type OpenFile, parseSignal, type ProcessExit, signalNumbers } from "../images/process.js";
import { attachTo } from "./attach-session.js";
import { Device } from "./devices.js";
import { startExec } from "./exec-session.js";
import { drawLatencyMs, type LatencyRange } from "./ip-pool.js";
import { OutputLog } from "./output-log.js";
import { Pipe } from "./pipe.js";
import { type FoundProgram, type Machine, ProcessTable } from "./process-table.js";
import type { ProcessStart, RunningProcess } from "./running-process.js";
import { Terminal } from "./terminal.js";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface ContainerParts {
  id: string;
  config: ContainerConfig;
  image: Image;
  tag: string;
  machine: Machine;
  clock: Clock;
  rng: () => Rng;
  latency: { start: LatencyRange; stop: LatencyRange; boot: LatencyRange };
  logLimitBytes: number;
}

/** One run of one container: PID 1, its streams and whatever else runs beside it. */
export class RuntimeContainer implements Container {
  readonly id: string;
  readonly exited: Promise<ExitStatus>;
  readonly #parts: ContainerParts;
  readonly #log: OutputLog;
  readonly #table: ProcessTable;
  readonly #env: ReadonlyMap<string, string>;
  #input: { pipe: Pipe; writer: OpenFile } | undefined;
  #terminal: Terminal | undefined;
  #state: "created" | "running" | "ended" = "created";
  #startedAtMs = 0;
  #attachedBefore = false;
  #signalHolders = 0;
  readonly #pendingSignals = new Set<string>();
  #resolveExited: (status: ExitStatus) => void = () => {};

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#log = new OutputLog(parts.logLimitBytes, () => parts.clock.nowMs());
    this.#table = new ProcessTable(parts.machine);
    this.#env = environmentOf(parts);
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
  }

  get log(): ContainerLog {
    return this.#log;
  }

  async start(): Promise<void> {
    const { clock, latency, rng } = this.#parts;
    await clock.sleep(drawLatencyMs(latency.start, rng()));
    if (this.#state !== "created") throw new Error("container was removed before it started");
    this.#startedAtMs = clock.nowMs();
    try {
      this.#startProgram();
    } catch (err) {
      if (!(err instanceof ExecError)) throw err;
      throw this.#failToStart(err);
    }
  }

  async stop(graceMs: number, signal?: string): Promise<void> {
    if (this.#state === "created") this.kill();
    if (this.#state === "ended") return;
    this.signal(signal ?? this.#parts.image.stopSignal ?? "SIGTERM");
    const timer = this.#parts.clock.setTimer(graceMs, () => this.signal("SIGKILL"));
    await this.exited;
    timer.cancel();
    const stopMs = drawLatencyMs(this.#parts.latency.stop, this.#parts.rng());
    if (stopMs > 0) await this.#parts.clock.sleep(stopMs);
  }

  signal(signal: string): void {
    if (this.#signalHolders > 0) this.#pendingSignals.add(signal);
    else this.#table.signal(1, parseSignal(signal), "outside");
  }

  end({ exitCode, signal, reason }: { exitCode: number; signal?: string; reason?: string }): void {
    if (this.#state !== "running") return;
    const number = signal === undefined ? undefined : parseSignal(signal);
    this.#finish({ exitCode, ...(number ? { signal: number } : {}) }, reason);
  }

  holdSignals(): () => void {
    this.#signalHolders += 1;
    return () => {
      if (--this.#signalHolders > 0) return;
      for (const signal of this.#pendingSignals) this.signal(signal);
      this.#pendingSignals.clear();
    };
  }

  async exec(request: ExecRequest): Promise<ExecSession> {
    if (this.#state !== "running") throw new Error("cannot exec in a stopped container: unknown");
    try {
      return startExec({ table: this.#table, env: this.#env, cwd: this.#workingDir }, request);
    } catch (err) {
      if (!(err instanceof ExecError)) throw err;
      const session = this.#parts.rng().uuid().replaceAll("-", "").repeat(2);
      throw new Error(
        `failed to exec in container: failed to start exec "${session}": OCI runtime exec failed: exec failed: unable to start container process: ${err.message}: unknown`,
      );
    }
  }

  attach(streams: { stdin: boolean }): AttachSession {
    const { config } = this.#parts;
    const replays = config.stdinOnce && !this.#attachedBefore;
    this.#attachedBefore = true;
    return attachTo({
      log: this.#log,
      from: replays ? 0 : this.#log.end,
      terminal: this.#terminal,
      wantsStdin: streams.stdin && config.stdin,
      stdin: streams.stdin && config.stdin ? this.#stdinWriter() : undefined,
      endsWithClient: config.stdinOnce,
      closeStdin: () => this.#closeStdin(),
      exited: this.exited,
      kill: () => this.signal("SIGKILL"),
    });
  }

  /** Ends everything at once. */
  kill(): void {
    if (this.#state === "ended") return;
    if (this.#state === "created") return this.#finish({ exitCode: 137, signal: "SIGKILL" });
    this.#table.killAll();
  }

  get #workingDir(): string {
    return this.#parts.config.workingDir || this.#parts.image.workingDir || "/";
  }

  #startProgram(): void {
    const { config, image, machine } = this.#parts;
    machine.files.makeDirectory(this.#workingDir, { parents: true });
    const argv = argumentsOf(config, image);
    const found = this.#table.find(argv[0] ?? "", { env: this.#env, cwd: this.#workingDir });
    const start = {
      parentPid: 0,
      argv,
      env: this.#env,
      cwd: this.#workingDir,
      background: false,
      descriptors: this.#openStreams(),
    };
    const process = this.#bootsAtOnce ? this.#table.start(start) : this.#startLate(start, found);
    this.#state = "running";
    process.exited.then(
      (exit) => this.#finish(exit),
      () => {},
    );
  }

  get #bootsAtOnce(): boolean {
    return this.#parts.latency.boot.maxMs === 0;
  }

  #startLate(start: Omit<ProcessStart, "pid">, { program, prefix }: FoundProgram): RunningProcess {
    const argv = prefix.length > 0 ? [...prefix, ...start.argv.slice(1)] : start.argv;
    const bootMs = drawLatencyMs(this.#parts.latency.boot, this.#parts.rng());
    return this.#table.start({ ...start, argv }, async (process) => {
      await process.sleep(bootMs);
      return program(process);
    });
  }

  #openStreams(): Map<number, OpenFile> {
    const tick = (): Promise<void> | undefined => this.#table.tick();
    if (this.#parts.config.tty) {
      const terminal = new Terminal(
        (bytes) => this.#log.append("stdout", bytes),
        (signal) => this.#table.signalTerminal(terminal, signal),
      );
      this.#terminal = terminal;
      return new Map([0, 1, 2].map((descriptor) => [descriptor, terminal.open()]));
    }
    return new Map([
      [0, this.#openStdin(tick)],
      [1, this.#log.openWriter("stdout", tick)],
      [2, this.#log.openWriter("stderr", tick)],
    ]);
  }

  #openStdin(tick: () => Promise<void> | undefined): OpenFile {
    if (!this.#parts.config.stdin) return new Device(undefined, tick);
    const pipe = new Pipe();
    this.#input = { pipe, writer: pipe.openWriter() };
    return pipe.openReader();
  }

  #stdinWriter(): OpenFile | undefined {
    return this.#input?.writer.dup();
  }

  #closeStdin(): void {
    this.#input?.writer.close();
    this.#terminal?.hangUp();
  }

  #failToStart(err: ExecError): Error {
    const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${err.message}: unknown`;
    this.#finish({ exitCode: 128 }, "StartError", message);
    return new Error(message);
  }

  #finish(exit: ProcessExit, reason?: string, message?: string): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#table.killAll();
    this.#log.finish();
    this.#input?.writer.close();
    const finishedAtMs = this.#parts.clock.nowMs();
    this.#resolveExited({
      exitCode: exit.exitCode,
      ...(exit.signal ? { signal: signalNumbers[exit.signal] } : {}),
      reason: reason ?? (exit.exitCode === 0 ? "Completed" : "Error"),
      ...(message ? { message } : {}),
      startedAtMs: this.#startedAtMs || finishedAtMs,
      finishedAtMs,
    });
  }
}

function argumentsOf(config: ContainerConfig, image: Image): readonly string[] {
  if (config.command.length > 0) return [...config.command, ...config.args];
  return [...image.entrypoint, ...(config.args.length > 0 ? config.args : image.cmd)];
}

function environmentOf({ config, image, tag, machine }: ContainerParts): ReadonlyMap<string, string> {
  return new Map([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", machine.hostname],
    ...(config.tty ? ([["TERM", "xterm"]] as const) : []),
    ...Object.entries(image.env?.(tag) ?? {}),
    ...config.env.map(({ name, value }) => [name, value] as const),
    ["HOME", config.env.find(({ name }) => name === "HOME")?.value ?? "/root"],
  ]);
}

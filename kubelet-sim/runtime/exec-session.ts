import type { ExecRequest, ExecSession } from "../container-runtime.js";
import { BrokenPipe, type OpenFile, ProcessEnded, type ProcessExit } from "../images/process.js";
import { Pipe } from "./pipe.js";
import type { ProcessTable } from "./process-table.js";
import type { RunningProcess } from "./running-process.js";
import { Terminal } from "./terminal.js";

export interface ExecStart {
  table: ProcessTable;
  env: ReadonlyMap<string, string>;
  cwd: string;
}

/** Starts a second program in a container. Throws ExecError. */
export function startExec({ table, env, cwd }: ExecStart, request: ExecRequest): ExecSession {
  // Before any stream is made: a name that is not there must not leave one open.
  table.find(request.command[0] ?? "", { env, cwd });
  return request.tty
    ? startOnTerminal({ table, env, cwd }, request)
    : startOnPipes({ table, env, cwd }, request);
}

function startOnPipes({ table, env, cwd }: ExecStart, request: ExecRequest): ExecSession {
  const [input, output, errors] = [new Pipe(), new Pipe(), new Pipe()];
  const writer = input.openWriter();
  const stdout = new OutputReader(output.openReader());
  const stderr = new OutputReader(errors.openReader());
  if (!request.stdin) writer.close();
  const process = table.start({
    parentPid: 0,
    argv: request.command,
    env,
    cwd,
    background: false,
    descriptors: new Map([
      [0, input.openReader()],
      [1, output.openWriter()],
      [2, errors.openWriter()],
    ]),
  });
  return {
    ...(request.stdin ? { stdin: inputTo(writer) } : {}),
    stdout,
    stderr,
    resize: () => {},
    exited: exitCodeAfter(process, [stdout, stderr]),
    kill: () => process.deliver("SIGKILL", "outside"),
  };
}

function startOnTerminal({ table, env, cwd }: ExecStart, request: ExecRequest): ExecSession {
  const output = new Pipe();
  const writer = output.openWriter();
  const stdout = new OutputReader(output.openReader());
  const terminal = new Terminal(
    (bytes) => writer.write(bytes),
    (signal) => table.signalTerminal(terminal, signal),
  );
  const process = table.start({
    parentPid: 0,
    argv: request.command,
    env: new Map([...env, ["TERM", "xterm"]]),
    cwd,
    background: false,
    descriptors: new Map([0, 1, 2].map((descriptor) => [descriptor, terminal.open()])),
  });
  process.exited.then(
    () => writer.close(),
    () => {},
  );
  const stderr = new OutputReader(undefined);
  return {
    ...(request.stdin ? { stdin: typingOn(terminal) } : {}),
    stdout,
    stderr,
    resize: (size) => terminal.resize(size),
    exited: exitCodeAfter(process, [stdout]),
    kill: () => process.deliver("SIGKILL", "outside"),
  };
}

/** Writing to a program that no longer reads loses the bytes, as a kernel pipe would with SIGPIPE ignored. */
export const inputTo = (writer: OpenFile): NonNullable<ExecSession["stdin"]> => ({
  write: (bytes) =>
    writer.write(bytes).catch((err: unknown) => {
      if (!(err instanceof BrokenPipe || err instanceof ProcessEnded)) throw err;
    }),
  end: () => writer.close(),
});

export const typingOn = (terminal: Terminal): NonNullable<ExecSession["stdin"]> => ({
  write: (bytes) =>
    terminal.type(bytes).catch((err: unknown) => {
      if (!(err instanceof BrokenPipe || err instanceof ProcessEnded)) throw err;
    }),
  end: () => terminal.hangUp(),
});

async function exitCodeAfter(process: RunningProcess, outputs: readonly OutputReader[]): Promise<number> {
  const { exitCode }: ProcessExit = await process.exited;
  for (const output of outputs) await output.drained();
  return exitCode;
}

/** The client's side of an output pipe. `drained` waits only for those who began to read. */
class OutputReader implements AsyncIterable<Uint8Array> {
  readonly #file: OpenFile | undefined;
  #done: Promise<void> | undefined;

  constructor(file: OpenFile | undefined) {
    this.#file = file;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let finish = (): void => {};
    this.#done = new Promise((resolve) => {
      finish = resolve;
    });
    try {
      for (;;) {
        const bytes = await this.#file?.read();
        if (!bytes) return;
        yield bytes;
      }
    } finally {
      this.#file?.close();
      finish();
    }
  }

  async drained(): Promise<void> {
    await this.#done;
  }
}

import type { AttachSession, ExitStatus } from "../container-runtime.js";
import type { OpenFile } from "../images/process.js";
import { inputTo, typingOn } from "./exec-session.js";
import type { OutputLog } from "./output-log.js";
import type { Terminal } from "./terminal.js";

export interface AttachParts {
  log: OutputLog;
  /** First chunk to see: 0 replays everything. */
  from: number;
  terminal: Terminal | undefined;
  wantsStdin: boolean;
  /** A writer of its own, when the client wants to write and there is no terminal. */
  stdin: OpenFile | undefined;
  /** stdinOnce: the program's input ends when this client's does. */
  endsWithClient: boolean;
  closeStdin: () => void;
  exited: Promise<ExitStatus>;
  kill: () => void;
}

/** Joins PID 1's streams. */
export function attachTo(parts: AttachParts): AttachSession {
  const { log, from, terminal, endsWithClient } = parts;
  const outputs = [log.follow("stdout", from), log.follow("stderr", from)] as const;
  const stdin = clientInput(parts);
  return {
    ...(stdin ? { stdin } : {}),
    stdout: outputs[0],
    stderr: outputs[1],
    resize: (size) => terminal?.resize(size),
    exited: parts.exited.then(async ({ exitCode }) => {
      for (const output of outputs) await output.drained();
      return exitCode;
    }),
    kill: parts.kill,
    detach: () => {
      for (const output of outputs) output.close();
      parts.stdin?.close();
      if (endsWithClient && parts.wantsStdin) parts.closeStdin();
    },
  };
}

function clientInput({
  wantsStdin,
  terminal,
  stdin,
  endsWithClient,
  closeStdin,
}: AttachParts): AttachSession["stdin"] | undefined {
  if (!wantsStdin) return undefined;
  const input = terminal ? typingOn(terminal) : stdin && inputTo(stdin);
  if (!input) return undefined;
  return {
    write: (bytes) => input.write(bytes),
    end: () => {
      if (!terminal) input.end();
      if (endsWithClient) closeStdin();
    },
  };
}

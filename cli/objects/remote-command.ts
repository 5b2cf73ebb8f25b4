import { type MessageStream, readBody, type Transport, UpgradeRefused } from "../../machinery/api/http.js";
import { isStatus, type Status, toStatusError } from "../../machinery/api/status.js";
import type { CliContext } from "../command.js";
import { UserError } from "../supervisor/cluster.js";

/** Channels of `v5.channel.k8s.io` (apimachinery remotecommand): the first byte of every message. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
export const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

export interface RemoteCommand {
  /** Path with its query: `/api/v1/namespaces/default/pods/x/exec?command=ls&stdout=true`. */
  path: string;
  stdin: boolean;
  tty: boolean;
}

/** Joins this terminal to a program in a container. Resolves with its exit code; rejects with StatusError. */
export async function runRemoteCommand(
  transport: Pick<Transport, "upgrade">,
  command: RemoteCommand,
  context: CliContext,
): Promise<number> {
  const { stream, protocol } = await open(transport, command, context);
  const restore = command.tty ? rawTerminal(stream, context) : () => {};
  if (command.stdin) forwardStdin(stream, protocol, context);
  try {
    return await readOutput(stream, context);
  } finally {
    restore();
    context.stdin.removeAllListeners("data");
    context.stdin.pause();
    context.stdin.unref?.();
    stream.close();
  }
}

async function open(
  transport: Pick<Transport, "upgrade">,
  command: RemoteCommand,
  context: CliContext,
): Promise<{ stream: MessageStream; protocol: string }> {
  try {
    return await transport.upgrade(
      { method: "GET", path: command.path, headers: {} },
      PROTOCOLS,
      context.signal,
    );
  } catch (err) {
    if (!(err instanceof UpgradeRefused)) throw err;
    const text = Buffer.from(await readBody(err.response.body)).toString("utf8");
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      throw new UserError(`unable to upgrade connection: ${text}`);
    }
    throw isStatus(body) ? toStatusError(body) : new UserError(`unable to upgrade connection: ${text}`);
  }
}

function forwardStdin(stream: MessageStream, protocol: string, context: CliContext): void {
  const send = (chunk: Buffer): void => {
    context.stdin.pause();
    stream.write(Buffer.concat([Buffer.of(CHANNEL.stdin), chunk])).then(
      () => context.stdin.resume(),
      // The program ended while something was still being typed: its end is told elsewhere.
      () => context.stdin.pause(),
    );
  };
  const close = (): void => {
    // Only v5 can say that input has ended.
    if (!protocol.startsWith("v5")) return;
    stream.write(Buffer.of(CHANNEL.close, CHANNEL.stdin)).catch(() => context.stdin.pause());
  };
  context.stdin.on("data", send).once("end", close).resume();
}

function rawTerminal(stream: MessageStream, context: CliContext): () => void {
  const { stdin, stdout } = context;
  const resize = (): void => {
    if (!stdout.columns) return;
    const size = JSON.stringify({ Width: stdout.columns, Height: stdout.rows });
    stream
      .write(Buffer.concat([Buffer.of(CHANNEL.resize), Buffer.from(size)]))
      .catch(() => stdout.off("resize", resize));
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdout.on("resize", resize);
  resize();
  return () => {
    stdout.off("resize", resize);
    if (stdin.isTTY) stdin.setRawMode(false);
  };
}

async function readOutput(stream: MessageStream, context: CliContext): Promise<number> {
  for (let message = await stream.read(); message !== undefined; message = await stream.read()) {
    const rest = message.subarray(1);
    switch (message[0]) {
      case CHANNEL.stdout:
        await write(context.stdout, rest);
        break;
      case CHANNEL.stderr:
        await write(context.stderr, rest);
        break;
      case CHANNEL.error:
        return exitCodeOf(JSON.parse(Buffer.from(rest).toString("utf8")) as Status);
      default:
        break;
    }
  }
  return 0;
}

const write = (output: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (output.write(bytes)) resolve();
    else output.once("drain", resolve);
  });

/** The error channel carries Success, or NonZeroExitCode with the code as a cause. */
export function exitCodeOf(status: Status): number {
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  if (cause) return Number(cause.message);
  throw toStatusError(status);
}

import type { MessageStream } from "../../machinery/api/http.js";
import type { ExecSession } from "../container-runtime.js";

/** The subprotocols of exec and attach that this server speaks, the best first. */
export const STREAM_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;
export type StreamProtocol = (typeof STREAM_PROTOCOLS)[number];

/** The first byte of a message. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const LARGEST_FRAME_BYTES = 32 * 1024;

export interface StreamRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** What becomes of the program when its client goes away without having seen the end. */
export type OnDisconnect = (session: ExecSession) => void;

const frame = (channel: number, bytes: Uint8Array): Uint8Array => {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return message;
};

const SUCCESS = { metadata: {}, status: "Success" };

/** The Status of an exit code, as the error channel carries it. */
export const exitStatus = (exitCode: number): object =>
  exitCode === 0
    ? SUCCESS
    : {
        metadata: {},
        status: "Failure",
        message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
      };

/** The Status of a program that could not be run. */
export const failureStatus = (message: string): object => ({
  metadata: {},
  status: "Failure",
  message: `Internal error occurred: ${message}`,
  reason: "InternalError",
  details: { causes: [{ message }] },
  code: 500,
});

/** Sends a final Status and closes. */
export async function endWithStatus(stream: MessageStream, status: object): Promise<void> {
  await stream.write(frame(CHANNEL.error, Buffer.from(JSON.stringify(status))));
  stream.close(1000);
}

/**
 * Carries a program's streams over one message stream until the program has ended: all output first, then its exit
 * status, then the close. The client may leave earlier.
 */
export async function carryStreams(
  stream: MessageStream,
  protocol: StreamProtocol,
  request: StreamRequest,
  session: ExecSession,
  onDisconnect: OnDisconnect,
): Promise<void> {
  let gone = false;
  const leave = (): void => {
    if (gone) return;
    gone = true;
    onDisconnect(session);
  };
  const incoming = readClient(stream, protocol, session).then(leave, leave);
  stream.closed.then(leave, leave);
  try {
    // Tells the client that the streams are there before anything is written to them.
    await stream.write(new Uint8Array([firstChannel(request)]));
    await Promise.all([
      writeOutput(stream, CHANNEL.stdout, session.stdout, request.stdout),
      writeOutput(stream, CHANNEL.stderr, session.stderr, request.stderr && !request.tty),
    ]);
    const exitCode = await session.exited;
    if (!gone) {
      gone = true;
      await endWithStatus(stream, exitStatus(exitCode));
    }
  } catch {
    // Only writing fails, and only when the client is gone.
    leave();
    stream.close(1011);
  }
  await incoming;
}

const firstChannel = (request: StreamRequest): number =>
  request.stdout ? CHANNEL.stdout : request.stderr && !request.tty ? CHANNEL.stderr : CHANNEL.error;

async function writeOutput(
  stream: MessageStream,
  channel: number,
  output: AsyncIterable<Uint8Array>,
  wanted: boolean,
): Promise<void> {
  for await (const chunk of output) {
    if (!wanted) continue;
    for (let at = 0; at < chunk.length; at += LARGEST_FRAME_BYTES)
      await stream.write(frame(channel, chunk.subarray(at, at + LARGEST_FRAME_BYTES)));
  }
}

/** Until the client closes. */
async function readClient(
  stream: MessageStream,
  protocol: StreamProtocol,
  session: ExecSession,
): Promise<void> {
  for (let message = await stream.read(); message; message = await stream.read()) {
    const body = message.subarray(1);
    switch (message[0]) {
      case CHANNEL.stdin:
        // A program that ended, or closed its input, swallows the rest as a closed pipe would.
        if (body.length > 0) await session.stdin?.write(body).catch(() => {});
        break;
      case CHANNEL.resize:
        resize(session, body);
        break;
      case CHANNEL.close:
        if (protocol === "v5.channel.k8s.io" && body[0] === CHANNEL.stdin) session.stdin?.end();
        break;
      default:
        break;
    }
  }
}

function resize(session: ExecSession, body: Uint8Array): void {
  try {
    const size = JSON.parse(Buffer.from(body).toString("utf8")) as { Width?: unknown; Height?: unknown };
    if (typeof size.Width === "number" && typeof size.Height === "number")
      session.resize({ width: size.Width, height: size.Height });
  } catch {
    // Not JSON: ignored, as the real kubelet does.
  }
}

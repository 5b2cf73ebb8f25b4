import type { ExecSession } from "../container-runtime.js";

export interface StreamRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** The other ends of a program's streams, whatever carries them. */
export interface RemoteStreams {
  /** Tells the client that its streams are there, before anything is written to them. */
  open(request: StreamRequest): Promise<void>;
  /** Rejects when the client is gone. */
  write(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
  /** Hands what the client sends to the program, until the client leaves. */
  serve(session: ExecSession): Promise<void>;
  /** The last word: what became of the program. Closes. */
  finish(status: FinalStatus): Promise<void>;
  close(): void;
  readonly closed: Promise<void>;
}

/** What becomes of the program when its client goes away without having seen the end. */
export type OnDisconnect = (session: ExecSession) => void;

/** The Status that ends exec and attach, without what an empty one leaves out. */
export interface FinalStatus {
  metadata: object;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: object;
  code?: number;
}

const SUCCESS: FinalStatus = { metadata: {}, status: "Success" };

/** The Status of an exit code, as the error stream carries it. */
export const exitStatus = (exitCode: number): FinalStatus =>
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
export const failureStatus = (message: string): FinalStatus => ({
  metadata: {},
  status: "Failure",
  message: `Internal error occurred: ${message}`,
  reason: "InternalError",
  details: { causes: [{ message }] },
  code: 500,
});

/**
 * Carries a program's streams until the program has ended: all output first, then its exit status, then the close. The
 * client may leave earlier.
 */
export async function carryStreams(
  client: RemoteStreams,
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
  const incoming = client.serve(session).then(leave, leave);
  client.closed.then(leave, leave);
  try {
    await client.open(request);
    await Promise.all([
      writeOutput(client, "stdout", session.stdout, request.stdout),
      writeOutput(client, "stderr", session.stderr, request.stderr && !request.tty),
    ]);
    const exitCode = await session.exited;
    if (!gone) {
      gone = true;
      await client.finish(exitStatus(exitCode));
    }
  } catch {
    // Only writing fails, and only when the client is gone.
    leave();
    client.close();
  }
  await incoming;
}

async function writeOutput(
  client: RemoteStreams,
  stream: "stdout" | "stderr",
  output: AsyncIterable<Uint8Array>,
  wanted: boolean,
): Promise<void> {
  for await (const chunk of output) if (wanted) await client.write(stream, chunk);
}

/** `{"Width":80,"Height":24}` */
export function resizeTerminal(session: ExecSession, text: string): void {
  try {
    const size = JSON.parse(text) as { Width?: unknown; Height?: unknown } | null;
    if (typeof size?.Width === "number" && typeof size.Height === "number")
      session.resize({ width: size.Width, height: size.Height });
  } catch {
    // Not JSON: ignored, as the real kubelet does.
  }
}

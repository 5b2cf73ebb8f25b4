import type { Container as RuntimeContainer, ExecSession } from "../container-runtime.js";

export type ExecResult =
  | { kind: "exited"; exitCode: number; output: string }
  | { kind: "not-started"; message: string }
  | { kind: "aborted" };

const LARGEST_OUTPUT_BYTES = 10 * 1024;

/** Runs a program to its end and keeps the first 10 KiB of what it writes. The signal kills it. */
export async function collectExec(
  container: RuntimeContainer,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  let session: ExecSession;
  try {
    session = await container.exec({ command, stdin: false, tty: false });
  } catch (err) {
    return { kind: "not-started", message: err instanceof Error ? err.message : String(err) };
  }
  const kill = (): void => session.kill();
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const output = new OutputBuffer();
    await Promise.all([output.take(session.stdout), output.take(session.stderr)]);
    const exitCode = await session.exited;
    return signal.aborted ? { kind: "aborted" } : { kind: "exited", exitCode, output: output.text() };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

class OutputBuffer {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  async take(stream: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of stream) {
      const room = LARGEST_OUTPUT_BYTES - this.#length;
      if (room <= 0) continue;
      const kept = chunk.subarray(0, room);
      this.#chunks.push(kept);
      this.#length += kept.length;
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

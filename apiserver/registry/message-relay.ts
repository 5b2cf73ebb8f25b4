import type { MessageStream } from "../../machinery/api/http.js";

/**
 * Carries messages both ways until one side has closed. What the backend sent before it closed always
 * reaches the client: the last message of an exec is its exit code.
 */
export async function joinStreams(
  client: MessageStream,
  backend: MessageStream,
  signal: AbortSignal,
): Promise<void> {
  const abort = (): void => {
    client.close(1001);
    backend.close(1001);
  };
  signal.addEventListener("abort", abort, { once: true });
  const fromBackend = pump(backend, client);
  const fromClient = pump(client, backend).then((end) => (end === "source closed" ? undefined : fromBackend));
  await Promise.race([fromBackend, fromClient]);
  signal.removeEventListener("abort", abort);
  client.close();
  backend.close();
}

async function pump(from: MessageStream, to: MessageStream): Promise<"source closed" | "target closed"> {
  for (;;) {
    const message = await from.read().catch(() => undefined);
    if (message === undefined) return "source closed";
    try {
      await to.write(message);
    } catch {
      return "target closed";
    }
  }
}

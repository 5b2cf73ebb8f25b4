import type { MessageStream } from "../../machinery/api/http.js";
import { messagePipe } from "../../machinery/client/message-pipe.js";
import { carryStreams } from "../server/stream-session.js";
import { WebSocketStreams } from "../server/websocket-streams.js";
import type { NodeShell } from "./node-shell.js";

const MOST_SESSIONS = 256;

/**
 * Shells on nodes over the admin socket, which only answers: output is the lines of one answer, input comes by calls
 * that name the session. Both carry messages of `v5.channel.k8s.io`, as exec does.
 */
export class ShellSessions {
  readonly #shellOf: (node: string) => NodeShell | undefined;
  readonly #open = new Map<number, MessageStream>();
  #last = 0;

  /** `shellOf` throws RangeError for an unknown node; a node that is down has no shell. */
  constructor(shellOf: (node: string) => NodeShell | undefined) {
    this.#shellOf = shellOf;
  }

  /** `?node=node-1&command=curl&command=-s&stdin=true&tty=false`. The program ends with the answer's connection. */
  async start(
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<AsyncIterable<{ session: number } | { message: string }>> {
    const node = query.get("node") ?? "";
    const shell = this.#shellOf(node);
    if (!shell) throw new Error(`node ${node} is down`);
    if (this.#open.size >= MOST_SESSIONS) throw new Error("too many shells are open");
    const [stdin, tty] = [query.get("stdin") === "true", query.get("tty") === "true"];
    const program = await shell.run({ command: query.getAll("command"), stdin, tty });
    const [client, server] = messagePipe();
    const request = { stdin, stdout: true, stderr: true, tty };
    const streams = new WebSocketStreams(server, "v5.channel.k8s.io");
    const carried = carryStreams(streams, request, program, () => program.kill());
    return this.#output(client, carried, signal);
  }

  /** Throws RangeError when the session has ended. */
  async input({ session, message }: { session: number; message: string }): Promise<void> {
    const stream = this.#open.get(session);
    if (!stream) throw new RangeError(`no shell session ${session}`);
    await stream.write(Buffer.from(message, "base64"));
  }

  async *#output(
    client: MessageStream,
    carried: Promise<void>,
    signal: AbortSignal,
  ): AsyncGenerator<{ session: number } | { message: string }> {
    const session = ++this.#last;
    this.#open.set(session, client);
    const leave = (): void => client.close();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      yield { session };
      for (let message = await client.read(); message; message = await client.read())
        yield { message: Buffer.from(message).toString("base64") };
      await carried;
    } finally {
      signal.removeEventListener("abort", leave);
      this.#open.delete(session);
      client.close();
    }
  }
}

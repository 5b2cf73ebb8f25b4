import { expect, test } from "@jest/globals";
import type { MessageStream } from "../../machinery/api/http.js";
import { messagePipe } from "../../machinery/client/message-pipe.js";
import type { ExecSession } from "../container-runtime.js";
import { carryStreams } from "./stream-session.js";
import { WebSocketStreams } from "./websocket-streams.js";

const ALL = { stdin: true, stdout: true, stderr: true, tty: false };

/** A program that echoes its input and ends with `exitCode` once its input has ended. */
class Echo implements ExecSession {
  readonly sizes: object[] = [];
  readonly #input = messagePipe();
  #resolveExit: (code: number) => void = () => {};
  readonly exited = new Promise<number>((resolve) => {
    this.#resolveExit = resolve;
  });
  killed = false;
  readonly stdin = {
    write: (bytes: Uint8Array) => this.#input[0].write(bytes),
    end: () => this.#input[0].close(),
  };
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array> = (async function* () {
    yield Buffer.from("warning\n");
  })();

  constructor(exitCode: number) {
    this.stdout = this.#echo(exitCode);
  }
  resize(size: object): void {
    this.sizes.push(size);
  }
  kill(): void {
    this.killed = true;
    this.#input[0].close();
  }
  async *#echo(exitCode: number): AsyncGenerator<Uint8Array> {
    for (let bytes = await this.#input[1].read(); bytes; bytes = await this.#input[1].read()) yield bytes;
    this.#resolveExit(exitCode);
  }
}

async function received(stream: MessageStream): Promise<[number, string][]> {
  const messages: [number, string][] = [];
  for (let message = await stream.read(); message; message = await stream.read())
    if (message.length > 1) messages.push([message[0] ?? -1, Buffer.from(message.subarray(1)).toString()]);
  return messages;
}

const message = (channel: number, text: string): Uint8Array =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);

test("output comes before the exit status, whatever the program was told last", async () => {
  const [client, server] = messagePipe();
  const session = new Echo(3);
  const carried = carryStreams(new WebSocketStreams(server, "v5.channel.k8s.io"), ALL, session, () =>
    session.kill(),
  );
  await client.write(message(0, "hello"));
  await client.write(message(4, '{"Width":80,"Height":24}'));
  await client.write(new Uint8Array([255, 0]));
  const messages = await received(client);
  await carried;

  expect(messages.filter(([channel]) => channel === 1)).toEqual([[1, "hello"]]);
  expect(messages.filter(([channel]) => channel === 2)).toEqual([[2, "warning\n"]]);
  expect(session.sizes).toEqual([{ width: 80, height: 24 }]);
  const [channel, text] = messages.at(-1) ?? [];
  expect(channel).toBe(3);
  expect(JSON.parse(text ?? "")).toMatchObject({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] },
  });
  expect(session.killed).toBe(false);
});

test("a client that leaves is noticed", async () => {
  const [client, server] = messagePipe();
  const session = new Echo(0);
  const carried = carryStreams(new WebSocketStreams(server, "v4.channel.k8s.io"), ALL, session, () =>
    session.kill(),
  );
  client.close();
  await carried;
  expect(session.killed).toBe(true);
});

test("in version 4 the close signal is unknown and ignored", async () => {
  const [client, server] = messagePipe();
  const session = new Echo(0);
  const carried = carryStreams(new WebSocketStreams(server, "v4.channel.k8s.io"), ALL, session, () =>
    session.kill(),
  );
  await client.write(new Uint8Array([255, 0]));
  await client.write(message(0, "still here"));
  const first = received(client);
  await Promise.resolve();
  session.stdin.end();
  expect(await first).toContainEqual([1, "still here"]);
  await carried;
});

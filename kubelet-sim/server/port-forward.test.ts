import { expect, test } from "@jest/globals";
import type { MessageStream } from "../../machinery/api/http.js";
import { messagePipe } from "../../machinery/client/message-pipe.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { portForward } from "./port-forward.js";
import { HeaderWriter } from "./spdy-headers.js";

/** As much of kubectl's side as a connection needs. */
class Client {
  readonly #wire: MessageStream;
  readonly #headers = new HeaderWriter();

  constructor(wire: MessageStream) {
    this.#wire = wire;
  }

  open(id: number, streamType: "error" | "data", port: number, fin: boolean): Promise<void> {
    const headers = this.#headers.write(
      new Map([
        ["streamtype", streamType],
        ["port", String(port)],
        ["requestid", "0"],
      ]),
    );
    const body = Buffer.concat([Buffer.alloc(10), headers]);
    body.writeUInt32BE(id, 0);
    return this.#frame(0x80030001, fin, body);
  }

  data(id: number, text: string, fin: boolean): Promise<void> {
    return this.#frame(id, fin, Buffer.from(text));
  }

  /** What arrives on each stream until all are at their end. */
  async received(ids: readonly number[]): Promise<Map<number, string>> {
    const texts = new Map(ids.map((id) => [id, ""]));
    const open = new Set(ids);
    let bytes: Buffer = Buffer.alloc(0);
    while (open.size > 0) {
      const message = await this.#wire.read();
      if (!message) break;
      bytes = Buffer.concat([bytes, message]);
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUIntBE(5, 3)) {
        const end = 8 + bytes.readUIntBE(5, 3);
        const id = bytes.readUInt32BE(0);
        if (id < 0x80000000) texts.set(id, `${texts.get(id)}${bytes.toString("utf8", 8, end)}`);
        if (id < 0x80000000 && bytes[4] === 1) open.delete(id);
        bytes = bytes.subarray(end);
      }
    }
    return texts;
  }

  #frame(first: number, fin: boolean, body: Buffer): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(first, 0);
    head.writeUInt32BE(body.length, 4);
    head[4] = fin ? 1 : 0;
    return this.#wire.write(Buffer.concat([head, body]));
  }
}

const SANDBOX = { id: "5a9d", networkNamespace: "/var/run/netns/cni-1", isLive: true };

async function forwarded(port: number): Promise<Map<number, string>> {
  const network = new VirtualNetwork({
    clock: systemClock(),
    rng: seededRng(1),
    uplink: { dial: () => Promise.reject(new ConnectionError("unreachable")), sendDatagram: () => {} },
  });
  const pod = network.addHost("10.244.0.2");
  pod.listen(80, (connection) => {
    const echo = async (): Promise<void> => {
      for (let bytes = await connection.read(); bytes; bytes = await connection.read())
        await connection.write(Buffer.from(`you said ${Buffer.from(bytes).toString()}`));
      connection.end();
    };
    echo().catch(() => connection.reset());
  });
  const [near, far] = messagePipe();
  const serving = portForward(far, { ...SANDBOX, network: pod }, systemClock(), new AbortController().signal);
  const client = new Client(near);
  await client.open(1, "error", port, true);
  await client.open(3, "data", port, false);
  await client.data(3, "hello", true);
  const received = await client.received([1, 3]);
  near.close();
  await serving;
  return received;
}

test("a forwarded connection reaches the pod's port and ends in both directions", async () => {
  expect(await forwarded(80)).toEqual(
    new Map([
      [1, ""],
      [3, "you said hello"],
    ]),
  );
});

test("a port that nobody listens on is told on the error stream", async () => {
  const received = await forwarded(81);
  expect(received.get(1)).toBe(
    'error forwarding port 81 to pod 5a9d, uid : failed to execute portforward in network namespace "/var/run/netns/cni-1": failed to connect to localhost:81 inside namespace "5a9d", IPv4: dial tcp4 127.0.0.1:81: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address',
  );
});

import { expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import { GuestDatagrams, type GuestLine } from "./guest-datagrams.js";

/** A node with a pod that answers `<its name> <what it got>` on UDP port 53. */
async function aNode() {
  const clock = systemClock();
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("plane"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
  });
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  const node = {
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.1.0/24"],
    carrier: "kubelet",
  };
  await dataPlane.program({ nodes: { set: [node], remove: [] } });
  const seen: string[] = [];
  for (const name of ["10.244.1.2", "10.244.1.3"]) {
    const socket = network.addHost([name]).bindUdp(53);
    const answer = async (): Promise<void> => {
      for (let got = await socket.receive(); got; got = await socket.receive()) {
        seen.push(got.from.ip);
        socket.send(got.from, Buffer.from(`${name} ${Buffer.from(got.bytes).toString()}`));
      }
    };
    answer().catch(() => {});
  }
  return { guests: new GuestDatagrams(dataPlane.datagrams), seen, close: () => dataPlane.close() };
}

const encode = (text: string): string => Buffer.from(text).toString("base64");

test("a guest sends from its address inside, and learns who answered", async () => {
  const { guests, seen, close } = await aNode();
  const leaving = new AbortController();
  const lines = guests.lease("10.244.1.1", leaving.signal)[Symbol.asyncIterator]();
  const { session } = (await lines.next()).value as { session: number };

  guests.send({ session, to: "10.244.1.2:53", payload: encode("a") });
  guests.send({ session, to: "10.244.1.3:53", payload: encode("b") });
  const answers = [(await lines.next()).value, (await lines.next()).value] as Extract<
    GuestLine,
    { from: string }
  >[];

  expect(
    new Map(answers.map(({ from, payload }) => [from, Buffer.from(payload, "base64").toString()])),
  ).toEqual(
    new Map([
      ["10.244.1.2:53", "10.244.1.2 a"],
      ["10.244.1.3:53", "10.244.1.3 b"],
    ]),
  );
  expect(seen).toEqual(["10.244.1.1", "10.244.1.1"]);
  leaving.abort();
  expect((await lines.next()).done).toBe(true);
  expect(() => guests.send({ session, to: "10.244.1.2:53", payload: "" })).toThrow("no UDP session");
  await close();
});

test("nonsense is refused", async () => {
  const { guests, close } = await aNode();
  const signal = new AbortController().signal;
  expect(() => guests.lease("web", signal)).toThrow('from must be an IP address, not "web"');
  const lines = guests.lease("10.244.1.1", signal)[Symbol.asyncIterator]();
  const { session } = (await lines.next()).value as { session: number };
  expect(() => guests.send({ session, to: "web:53", payload: "" })).toThrow("to must be ip:port");
  const payload = Buffer.alloc(65_508).toString("base64");
  expect(() => guests.send({ session, to: "10.244.1.2:53", payload })).toThrow(
    "longer than a datagram can be",
  );
  await close();
});

import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { seededRng } from "../runtime/seeded-rng.js";
import { type LinkEnds, Links, parseLinkFault, reversed } from "./links.js";
import { connectionPair } from "./memory-pipe.js";

const ENDS: LinkEnds = { source: "node-1", destination: "node-2", from: "10.244.0.5", to: "10.244.1.7" };

function someLinks() {
  const clock = new VirtualClock();
  const links = new Links(seededRng(1), () => clock.monotonicMs());
  const set = (values: Record<string, unknown>): void => links.set("f", parseLinkFault(values));
  return { clock, links, set };
}

/** A connection that takes the links, and what reached its far end. */
function aConnection({ clock, links }: ReturnType<typeof someLinks>) {
  const ends = { ...ENDS };
  const address = { ip: "10.0.0.1", port: 1 };
  const sides = { local: address, remote: address };
  const [near, far] = connectionPair({
    clock,
    near: sides,
    far: sides,
    forth: links.latency(ends),
    back: links.latency(reversed(ends)),
  });
  links.track(ends, near);
  const got: string[] = [];
  void (async () => {
    try {
      for (;;) {
        const bytes = await far.read();
        if (!bytes) break;
        got.push(Buffer.from(bytes).toString());
      }
      got.push("END");
    } catch (err) {
      got.push((err as Error).message);
    }
  })();
  return { near, far, got };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

test("a fault concerns the ways between the nodes, addresses and CIDRs that it names, in its direction", () => {
  const { links, set } = someLinks();
  const isSlow = (ends: LinkEnds): boolean => links.latency(ends)() > 0;

  set({ sources: ["node-1"], to: ["10.244.1.0/24"], delayMs: 5 });

  expect(isSlow(ENDS)).toBe(true);
  expect(isSlow(reversed(ENDS))).toBe(false);
  expect(isSlow({ ...ENDS, to: "10.244.2.7" })).toBe(false);
  expect(isSlow({ ...ENDS, source: "node-3" })).toBe(false);
});

test("bandwidth is shared by everything that takes the link", () => {
  const { links, set } = someLinks();
  set({ bytesPerSecond: 1000 });
  const one = links.latency({ ...ENDS });
  const other = links.latency({ ...ENDS, from: "10.244.0.6" });

  expect([one(500), other(500), one(1000)]).toEqual([500, 1000, 2000]);
});

test("a connection through a delayed link stays in order and loses nothing", async () => {
  const world = someLinks();
  world.set({ delayMs: 20, jitterMs: 30, lossPercent: 20 });
  const { near, got } = aConnection(world);

  for (const text of ["a", "b", "c", "d"]) void near.write(Buffer.from(text));
  near.end();
  for (let i = 0; i < 100 && got.at(-1) !== "END"; i++) {
    await settle();
    world.clock.step();
  }

  expect(got.join("")).toBe("abcdEND");
});

test("a reset ends open connections and refuses new ones until it is healed", async () => {
  const world = someLinks();
  const { got } = aConnection(world);

  world.set({ sources: ["node-1"], reset: true });
  await settle();

  expect(got).toEqual(["connection reset by peer"]);
  expect(world.links.refuses(ENDS)).toBe(true);
  world.links.clear("f");
  expect(world.links.refuses(ENDS)).toBe(false);
});

test("a half-open connection is silent for ever: nobody is told, and healing does not bring it back", async () => {
  const world = someLinks();
  const { near, got } = aConnection(world);

  world.set({ vanish: true });
  world.links.clear("f");
  void near.write(Buffer.from("anybody?"));
  await settle();

  expect(got).toEqual([]);
});

test("a connection is reset once it has carried its bytes", async () => {
  const world = someLinks();
  world.set({ limitBytes: 4 });
  const { near, got } = aConnection(world);

  void near.write(Buffer.from("1234"));
  await settle();
  void near.write(Buffer.from("5"));
  await settle();

  expect(got).toEqual(["1234", "5", "connection reset by peer"]);
});

test("a slow close brings the end of a connection late, its bytes in time", async () => {
  const world = someLinks();
  world.set({ slowCloseMs: 700 });
  const { near, got } = aConnection(world);

  void near.write(Buffer.from("bye"));
  near.end();
  await settle();
  expect(got).toEqual(["bye"]);
  world.clock.step();
  await settle();

  expect(got).toEqual(["bye", "END"]);
  expect(world.clock.monotonicMs()).toBe(700);
});

test("datagrams are lost, doubled, or overtaken", () => {
  const { links, set } = someLinks();

  set({ lossPercent: 100 });
  expect(links.datagram(ENDS, 100)).toEqual([]);
  set({ duplicatePercent: 100 });
  expect(links.datagram(ENDS, 100)).toEqual([0, 0]);
  set({ reorderPercent: 100, reorderMs: 40, delayMs: 10 });
  expect(links.datagram(ENDS, 100)).toEqual([50]);
});

test("a fault with a misspelt parameter or a bad address is refused and changes nothing", () => {
  const { links, set } = someLinks();

  expect(() => set({ dealyMs: 1 })).toThrow('unknown parameter "dealyMs"');
  expect(() => set({ from: ["10.244.0.300"] })).toThrow(RangeError);
  expect(links.healthy).toBe(true);
});

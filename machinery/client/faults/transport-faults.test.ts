import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../../simulation/virtual-clock.js";
import { type Transport, TransportError } from "../../api/http.js";
import { FaultPoints } from "../../runtime/fault-points.js";
import { seededRng } from "../../runtime/seeded-rng.js";
import { TransportFaults } from "./transport-faults.js";

const event = (type: string, n: number): Uint8Array =>
  Buffer.from(`{"type":"${type}","object":{"metadata":{"resourceVersion":"${n}"}}}\n`);

/** A server whose one watch says what the test pushes, behind the faults of one component. */
function aServer() {
  const clock = new VirtualClock();
  const points = new FaultPoints({ clock, enabled: true });
  const faults = new TransportFaults({ clock, rng: seededRng(1) });
  faults.define(points);
  const queue: Uint8Array[] = [];
  let arrived = 0;
  let closed = 0;
  let wake = (): void => {};
  async function* body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const inner: Transport = {
    request: async ({ path }, signal) => {
      arrived++;
      signal?.addEventListener("abort", () => (closed += 1));
      return { status: 200, headers: {}, body: path.includes("watch=") ? body() : new Uint8Array() };
    },
    upgrade: () => Promise.reject(new TransportError("none")),
  };
  let ids = 0;
  return {
    clock,
    points,
    transport: faults.wrap(inner, "proxy"),
    arrivals: () => arrived,
    closed: () => closed,
    push: (...frames: Uint8Array[]) => {
      queue.push(...frames);
      wake();
    },
    inject: (point: string, parameters: Record<string, unknown>) => {
      const id = String(++ids);
      points.inject({ id, point, parameters, endsAtMs: clock.nowMs() + 3_600_000 });
      return () => points.heal(id);
    },
  };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 200; i++) await Promise.resolve();
};

const WATCH = { method: "GET", path: "/apis/discovery.k8s.io/v1/endpointslices?watch=1", headers: {} };
const GET = { method: "GET", path: "/api/v1/services", headers: {} };

async function watching(server: ReturnType<typeof aServer>) {
  const seen: string[] = [];
  const outcome: { error?: unknown; ended: boolean } = { ended: false };
  const { body, status } = await server.transport.request(WATCH);
  void (async () => {
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        const { type, object } = JSON.parse(Buffer.from(chunk).toString("utf8"));
        seen.push(`${type} ${object.metadata?.resourceVersion ?? object.code}`);
      }
    } catch (error) {
      outcome.error = error;
    }
    outcome.ended = true;
  })();
  await settle();
  return { seen, outcome, status };
}

test("without a fault every event arrives as it is sent", async () => {
  const server = aServer();
  const { seen } = await watching(server);

  server.push(Buffer.concat([event("ADDED", 1), event("MODIFIED", 2)]));
  await settle();

  expect(seen).toEqual(["ADDED 1", "MODIFIED 2"]);
});

test("a lagging watch brings every event so much later, in order, and does not add the lags up", async () => {
  const server = aServer();
  const { seen } = await watching(server);
  server.inject("watch", { lagMs: 500, resources: ["endpointslices"] });

  server.push(event("ADDED", 1), event("ADDED", 2), event("ADDED", 3));
  await settle();
  expect(seen).toEqual([]);
  server.clock.step();
  await settle();

  expect(seen).toEqual(["ADDED 1", "ADDED 2", "ADDED 3"]);
  expect(server.clock.monotonicMs()).toBe(500);
});

test("a fault of other clients or other resources leaves a watch alone", async () => {
  const server = aServer();
  const { seen } = await watching(server);
  server.inject("watch", { dropPercent: 100, resources: ["services"] });
  server.inject("watch", { dropPercent: 100, clients: ["node-1"] });

  server.push(event("ADDED", 1));
  await settle();

  expect(seen).toEqual(["ADDED 1"]);
});

test("events can be dropped, repeated, swapped, and bookmarks starved", async () => {
  const server = aServer();
  const { seen } = await watching(server);

  const heal = server.inject("watch", { dropPercent: 100 });
  server.push(event("ADDED", 1));
  await settle();
  heal();
  const healTwice = server.inject("watch", { duplicatePercent: 100 });
  server.push(event("ADDED", 2));
  await settle();
  healTwice();
  const healSwap = server.inject("watch", { reorderPercent: 100, starveBookmarks: true });
  server.push(event("BOOKMARK", 3), event("ADDED", 4), event("ADDED", 5));
  await settle();
  healSwap();

  expect(seen).toEqual(["ADDED 2", "ADDED 2", "ADDED 5", "ADDED 4"]);
});

test("a disconnected watch breaks like a reset connection, and a new one works", async () => {
  const server = aServer();
  const first = await watching(server);

  server.inject("watch", { disconnect: true });
  await settle();
  expect(first.outcome.error).toBeInstanceOf(TransportError);
  const second = await watching(server);
  server.push(event("ADDED", 9), event("ADDED", 10));
  await settle();

  expect(second.seen.at(-1)).toBe("ADDED 10");
});

test("an expired watch gets 410, and so does every new one until it is healed", async () => {
  const server = aServer();
  const first = await watching(server);

  const heal = server.inject("watch", { expired: true });
  await settle();
  expect(first.seen).toEqual(["ERROR 410"]);
  expect(first.outcome.ended).toBe(true);
  expect((await server.transport.request(WATCH)).status).toBe(410);
  heal();

  expect((await watching(server)).status).toBe(200);
});

test("a stalled watch brings nothing until it is healed, then everything", async () => {
  const server = aServer();
  const { seen } = await watching(server);
  const heal = server.inject("watch", { stalled: true });

  server.push(event("ADDED", 1), event("ADDED", 2));
  await settle();
  expect(seen).toEqual([]);
  heal();
  await settle();

  expect(seen).toEqual(["ADDED 1", "ADDED 2"]);
});

test("requests that cannot arrive wait and time out, and the server never sees them", async () => {
  const server = aServer();
  server.inject("api-link", { cut: "to" });

  const answer = server.transport.request(GET);
  const failed = expect(answer).rejects.toThrow("i/o timeout");
  for (let i = 0; i < 5; i++) {
    await settle();
    server.clock.step();
  }
  await failed;

  expect(server.arrivals()).toBe(0);
});

test("with the way back cut the server acts, but the outcome is unknown", async () => {
  const server = aServer();
  server.inject("api-link", { cut: "from", reset: true });

  await expect(server.transport.request({ ...GET, method: "POST" })).rejects.toThrow(
    "connection reset by peer",
  );

  expect(server.arrivals()).toBe(1);
});

test("what a watch brings during a partition arrives after it", async () => {
  const server = aServer();
  const { seen } = await watching(server);
  const heal = server.inject("api-link", { cut: "both" });

  server.push(event("ADDED", 1));
  await settle();
  expect(seen).toEqual([]);
  heal();
  await settle();

  expect(seen).toEqual(["ADDED 1"]);
});

test("a misspelt parameter or an impossible value is refused", () => {
  const server = aServer();

  expect(() => server.inject("watch", { lagms: 5 })).toThrow('unknown parameter "lagms"');
  expect(() => server.inject("watch", { dropPercent: 101 })).toThrow("from 0 to 100");
  expect(() => server.inject("api-link", { cut: "sideways" })).toThrow("must be one of");
});

test("a watch that is reset is closed at the server as well, though nothing comes on it", async () => {
  const server = aServer();
  const { outcome } = await watching(server);

  const heal = server.inject("watch", { disconnect: true });
  await settle();

  expect(outcome.error).toBeInstanceOf(TransportError);
  expect(server.closed()).toBe(1);
  heal();
});

import { expect, test } from "@jest/globals";
import type { HttpHandler } from "../machinery/api/http.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { SimulationScheduler } from "./scheduler.js";
import { VirtualClock } from "./virtual-clock.js";
import { Wire } from "./wire.js";

/** A server whose answers are streams of what `frames` holds, and a client five milliseconds away. */
function aWire(body: () => AsyncIterable<Uint8Array> | Uint8Array = () => Buffer.from("hello")) {
  const master = new VirtualClock();
  const scheduler = new SimulationScheduler(master);
  const wire = new Wire(master);
  const [server, client] = [new SkewableClock(master), new SkewableClock(master)];
  const signals: AbortSignal[] = [];
  const handler: HttpHandler = {
    request: async (_request, signal) => {
      signals.push(signal);
      return { status: 200, headers: {}, body: body() };
    },
    upgrade: async () => undefined,
  };
  wire.serve(handler, server);
  const transport = wire.connect({ clock: client, identity: {}, latency: () => 5 });
  const get = (signal?: AbortSignal) => transport.request({ method: "GET", path: "/", headers: {} }, signal);
  return { master, scheduler, wire, server, client, signals, get };
}

async function* countUpTo(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.from([i]);
  await new Promise(() => {});
}

test("a request and its answer take the time of two messages", async () => {
  const { scheduler, master, get } = aWire();

  const { status } = await scheduler.settle(get());

  expect(status).toBe(200);
  expect(master.monotonicMs()).toBe(10);
});

test("nobody listens: the connection is refused", async () => {
  const { scheduler, wire, get } = aWire();
  wire.cut();

  await expect(scheduler.settle(get())).rejects.toThrow("ECONNREFUSED");
});

test("a server that stands still answers when it goes on", async () => {
  const { scheduler, master, server, get } = aWire();
  server.pause();
  const answer = get();
  await scheduler.run(1000);
  server.resume();

  await scheduler.settle(answer);

  expect(master.monotonicMs()).toBe(1005);
});

test("a client that stands still finds the answer when it goes on", async () => {
  const { scheduler, client, get } = aWire();
  let answered = false;
  const answer = get().then(() => {
    answered = true;
  });
  client.pause();
  await scheduler.run(1000);
  expect(answered).toBe(false);
  client.resume();

  await scheduler.settle(answer);

  expect(answered).toBe(true);
});

test("a server that is killed resets what is under way, after what it had sent", async () => {
  const { scheduler, wire, get } = aWire(() => countUpTo(3));
  const { body } = await scheduler.settle(get());
  const seen: number[] = [];
  const reading = (async () => {
    for await (const frame of body as AsyncIterable<Uint8Array>) seen.push(frame[0] ?? -1);
  })();
  await scheduler.run(1);
  wire.cut();

  await expect(scheduler.settle(reading)).rejects.toThrow("ECONNRESET");
  expect(seen).toEqual([0, 1, 2]);
});

test("the server learns of a client that is killed; the client of nothing", async () => {
  const { scheduler, wire, client, signals, get } = aWire(() => countUpTo(1));
  await scheduler.settle(get());
  client.end();
  wire.clientEnded(client);

  await scheduler.run(100);

  expect(signals[0]?.aborted).toBe(true);
});

test("a reader that leaves a stream ends it at the server", async () => {
  const { scheduler, signals, get } = aWire(() => countUpTo(2));
  const { body } = await scheduler.settle(get());
  await scheduler.settle(
    (async () => {
      for await (const _ of body as AsyncIterable<Uint8Array>) break;
    })(),
  );

  await scheduler.run(100);

  expect(signals[0]?.aborted).toBe(true);
});

test("an aborted request rejects at once with the signal's reason", async () => {
  const { scheduler, master, get } = aWire();
  const stop = new AbortController();
  const answer = get(stop.signal);
  stop.abort(new Error("enough"));

  await expect(scheduler.settle(answer)).rejects.toThrow("enough");
  expect(master.monotonicMs()).toBe(0);
});

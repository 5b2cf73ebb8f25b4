import { expect, test } from "@jest/globals";
import { allResources } from "../../apiserver/registry/resources.js";
import type { ApiServer } from "../../apiserver/api-server.js";
import { memoryStorage } from "../../apiserver/storage/memory-storage.js";
import { type ConfigMap, configMaps } from "../../machinery/api/core-v1.js";
import { type HttpHandler, type Transport, TransportError } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { Informer } from "../../machinery/client/informer.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { inProcessApi } from "../testkit/in-process-api.js";

interface World {
  client: RestClient;
  informer: Informer<ConfigMap>;
  /** What the handlers were told: `+a`, `~a`, `-a`. */
  told: string[];
  storage: ReturnType<typeof memoryStorage>;
  /** Replaces the server by a new one over the same storage; between the two nobody answers. */
  stopServer: () => Promise<void>;
  startServer: () => Promise<void>;
  settle: <T>(call: Promise<T>) => Promise<T>;
  until: (condition: () => boolean) => Promise<void>;
  scheduler: SimulationScheduler;
}

async function withInformer(body: (world: World) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  const settle = <T>(call: Promise<T>): Promise<T> => scheduler.settle(call);
  const storage = memoryStorage();
  const newServer = (): Promise<ApiServer> => inProcessApi(allResources(), { clock, storage });
  let server: ApiServer | undefined = await settle(newServer());
  const handler: HttpHandler = {
    request: (request, signal) => {
      if (!server) throw new TransportError("connection refused");
      return server.request(request, signal);
    },
    upgrade: () => Promise.reject(new TransportError("not offered")),
  };
  const transport: Transport = directTransport(handler);
  const client = new RestClient({ transport, clock, userAgent: "test" });
  const informer = new Informer({
    client,
    descriptor: configMaps,
    clock,
    rng: seededRng(1),
    logger: silentLogger,
  });
  const told: string[] = [];
  informer.onChange({
    added: ({ metadata }) => void told.push(`+${metadata.name}`),
    updated: (_old, { metadata }) => void told.push(`~${metadata.name}`),
    deleted: ({ metadata }) => void told.push(`-${metadata.name}`),
  });
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  try {
    await body({
      client,
      informer,
      told,
      storage,
      settle,
      scheduler,
      until: (condition) => scheduler.runUntil(condition, 60_000),
      async stopServer() {
        await settle(server?.stop() ?? Promise.resolve());
        server = undefined;
      },
      async startServer() {
        server = await settle(newServer());
      },
    });
  } finally {
    controller.abort(new Error("test over"));
    await settle(running);
  }
}

const aConfigMap = (name: string, value = "1") => ({
  metadata: { name, namespace: "default" },
  data: { value },
});

test("an informer lists, then follows every change, without telling one twice", async () => {
  await withInformer(async ({ client, informer, told, settle, until }) => {
    await settle(client.create(configMaps, aConfigMap("a")));
    await until(() => informer.hasSynced() && told.length === 1);
    const b = await settle(client.create(configMaps, aConfigMap("b")));
    await settle(client.update(configMaps, { ...b, data: { value: "2" } }));
    await settle(client.delete(configMaps, { namespace: "default", name: "a" }));
    await until(() => told.length === 4);
    expect(told).toEqual(["+a", "+b", "~b", "-a"]);
    expect(informer.list("default").map(({ data }) => data?.value)).toEqual(["2"]);
  });
});

test("an informer resumes where it was when the API server comes back, and misses nothing", async () => {
  await withInformer(async ({ client, told, until, settle, stopServer, startServer, informer }) => {
    await settle(client.create(configMaps, aConfigMap("a")));
    await until(() => informer.hasSynced());
    await stopServer();
    await expect(settle(client.create(configMaps, aConfigMap("lost")))).rejects.toBeInstanceOf(
      TransportError,
    );
    await startServer();
    await settle(client.create(configMaps, aConfigMap("b")));
    await settle(client.delete(configMaps, { namespace: "default", name: "a" }));
    await until(() => told.length === 3);
    expect(told).toEqual(["+a", "+b", "-a"]);
  });
});

test("an informer whose version was compacted away relists, and reports what was deleted meanwhile", async () => {
  await withInformer(async ({ client, told, until, settle, stopServer, startServer, storage, informer }) => {
    await settle(client.create(configMaps, aConfigMap("a")));
    await settle(client.create(configMaps, aConfigMap("b")));
    await until(() => informer.hasSynced());
    await stopServer();
    // Changes that the informer does not see, by a server that it does not reach.
    const other = await settle(inProcessApi(allResources(), { storage }));
    const direct = new RestClient({
      transport: directTransport(other),
      clock: new VirtualClock(),
      userAgent: "other",
    });
    await settle(direct.delete(configMaps, { namespace: "default", name: "a" }));
    const b = await settle(direct.get(configMaps, { namespace: "default", name: "b" }));
    await settle(direct.update(configMaps, { ...b, data: { value: "2" } }));
    await settle(direct.create(configMaps, aConfigMap("c")));
    await settle(storage.compact(storage.revision));
    await startServer();
    await until(() => told.length === 5);
    expect(told.slice(0, 2).sort()).toEqual(["+a", "+b"]);
    expect(told.slice(2)).toEqual(["~b", "+c", "-a"]);
  });
});

test("an object deleted and made anew under its name is told as deleted, then added", async () => {
  await withInformer(async ({ client, told, until, settle, informer, stopServer, startServer, storage }) => {
    await settle(client.create(configMaps, aConfigMap("a")));
    await until(() => informer.hasSynced());
    await stopServer();
    const other = await settle(inProcessApi(allResources(), { storage }));
    const direct = new RestClient({
      transport: directTransport(other),
      clock: new VirtualClock(),
      userAgent: "other",
    });
    await settle(direct.delete(configMaps, { namespace: "default", name: "a" }));
    await settle(direct.create(configMaps, aConfigMap("a", "2")));
    await settle(storage.compact(storage.revision));
    await startServer();
    await until(() => told.length === 3);
    expect(told).toEqual(["+a", "-a", "+a"]);
  });
});

test("what a controller wrote is in its cache at once, and the watch does not take it back", async () => {
  await withInformer(async ({ client, told, until, settle, informer, scheduler }) => {
    await settle(client.create(configMaps, aConfigMap("a")));
    await until(() => informer.hasSynced());
    const current = informer.get("default/a");
    const written = await settle(
      client
        .update(configMaps, { ...current, data: { value: "2" } } as ConfigMap)
        .then((a) => informer.observe(a)),
    );
    expect(informer.get("default/a")?.data?.value).toBe("2");
    await scheduler.run(1000);
    expect(told).toEqual(["+a", "~a"]);
    informer.observe({
      ...written,
      metadata: { ...written.metadata, resourceVersion: "1" },
      data: { value: "old" },
    });
    expect(informer.get("default/a")?.data?.value).toBe("2");
  });
});

import { describe, expect, test } from "@jest/globals";
import type { ApiServer, ApiServerOptions } from "../apiserver/api-server.js";
import { allResources } from "../apiserver/registry/resources.js";
import { memoryStorage } from "../apiserver/storage/memory-storage.js";
import { configMaps } from "../machinery/api/core-v1.js";
import { newUnauthorized } from "../machinery/api/status.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { ApiClient } from "./conformance/api-client.js";
import { aConfigMap, CONFIG_MAPS } from "./conformance/api-objects.js";
import { inProcessApi } from "./testkit/in-process-api.js";

async function open(
  options: Partial<ApiServerOptions> = {},
): Promise<{ api: ApiClient; server: ApiServer; storage: ReturnType<typeof memoryStorage> }> {
  const storage = memoryStorage();
  const server = await inProcessApi(allResources(), { storage, ...options });
  return { api: new ApiClient(directTransport(server)), server, storage };
}

const refuseAll: ApiServerOptions["authorizer"] = {
  authorize: () => ({ allowed: false, reason: "no rule says so" }),
  rulesFor: () => ({ resourceRules: [], nonResourceRules: [], incomplete: false }),
};

describe("the pipeline in front of the handlers", () => {
  test("a request without credentials is anonymous, one with wrong ones is refused", async () => {
    const anonymous = await open({
      authenticator: { authenticate: () => undefined },
      authorizer: refuseAll,
    });
    expect((await anonymous.api.get(CONFIG_MAPS)).body).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default": no rule says so',
      details: { kind: "configmaps" },
    });
    expect((await anonymous.api.get("/metrics")).body.message).toBe(
      'forbidden: User "system:anonymous" cannot get path "/metrics": no rule says so',
    );
    expect((await anonymous.api.get("/readyz")).status).toBe(200);
    const wrong = await open({
      authenticator: {
        authenticate: () => {
          throw newUnauthorized();
        },
      },
    });
    expect((await wrong.api.get(CONFIG_MAPS)).body).toMatchObject({ code: 401, message: "Unauthorized" });
  });

  test("the authoriser learns of a list that is pinned to one name", async () => {
    const asked: string[] = [];
    const { api } = await open({
      authorizer: {
        ...refuseAll,
        authorize: ({ verb, name }) => {
          asked.push(`${verb} ${name}`);
          return { allowed: true };
        },
      },
    });
    await api.get(`${CONFIG_MAPS}?fieldSelector=metadata.name%3Da`);
    await api.delete(CONFIG_MAPS);
    expect(asked).toEqual(["list a", "deletecollection "]);
  });

  test("an error of our own is an InternalError, and the server goes on", async () => {
    const { api } = await open({
      authorizer: {
        ...refuseAll,
        authorize: ({ verb }) => {
          if (verb === "list") throw new TypeError("oops");
          return { allowed: true };
        },
      },
    });
    expect((await api.get(CONFIG_MAPS)).body).toMatchObject({
      code: 500,
      reason: "InternalError",
      message: "Internal error occurred: oops",
    });
    expect((await api.post(CONFIG_MAPS, aConfigMap("a"))).status).toBe(201);
  });

  test("beyond its limits the server asks to come back later", async () => {
    const { api } = await open({ inFlight: { reading: 10, writing: 1 } });
    const replies = await Promise.all(["a", "b"].map((name) => api.post(CONFIG_MAPS, aConfigMap(name))));
    expect(replies.map((reply) => reply.status)).toEqual([201, 429]);
    expect(replies[1]?.headers["retry-after"]).toBe("1");
    expect((await api.post(CONFIG_MAPS, aConfigMap("b"))).status).toBe(201);
  });

  test("mounted handlers answer what is no resource", async () => {
    const { api } = await open({
      mounts: [
        ({ path }) =>
          path === "/openapi/v3" ? { status: 200, headers: {}, body: Buffer.from("here") } : undefined,
      ],
    });
    expect((await api.get("/openapi/v3")).text).toBe("here");
    expect((await api.get("/openapi/v9")).text).toBe("404 page not found\n");
  });

  test("admission refuses with its own Status, and nothing is stored", async () => {
    const { api } = await open({
      admission: [
        {
          name: "Tester",
          admit: ({ object }) => {
            if (object?.kind === "ConfigMap") object.metadata.labels = { admitted: "yes" };
          },
          validate: (request) => {
            const { operation, name } = request;
            request.warn(`saw ${operation} of ${name}`);
            if (name === "bad") throw newUnauthorized("not this one");
          },
        },
      ],
    });
    const created = await api.post(CONFIG_MAPS, aConfigMap("good"));
    expect(created.body.metadata.labels).toEqual({ admitted: "yes" });
    expect(created.headers["warning"]).toBe('299 - "saw CREATE of good"');
    expect((await api.post(CONFIG_MAPS, aConfigMap("bad"))).status).toBe(401);
    expect((await api.get(`${CONFIG_MAPS}/bad`)).status).toBe(404);
  });
});

describe("history", () => {
  test("a continue token that is too old says so and offers one that works", async () => {
    const { api, storage } = await open();
    for (const name of ["a", "b", "c"]) await api.post(CONFIG_MAPS, aConfigMap(name));
    const first = await api.get(`${CONFIG_MAPS}?limit=1`);
    await api.post(CONFIG_MAPS, aConfigMap("d"));
    await storage.compact(storage.revision);
    const token = encodeURIComponent(first.body.metadata.continue ?? "");
    const expired = await api.get(`${CONFIG_MAPS}?limit=1&continue=${token}`);
    expect(expired.body).toMatchObject({ code: 410, reason: "Expired" });
    expect(expired.body.message).toContain("The provided continue parameter is too old");
    const fresh = encodeURIComponent(expired.body.metadata.continue ?? "");
    const rest = await api.get(`${CONFIG_MAPS}?continue=${fresh}`);
    expect(rest.body.items?.map((item) => item.metadata.name)).toEqual(["b", "c", "d"]);
  });

  test("a list or watch of compacted history is 410 Expired", async () => {
    const { api, storage } = await open();
    const { metadata } = (await api.post(CONFIG_MAPS, aConfigMap("a"))).body;
    await api.post(CONFIG_MAPS, aConfigMap("b"));
    await storage.compact(storage.revision);
    const version = metadata.resourceVersion;
    const list = await api.get(`${CONFIG_MAPS}?resourceVersionMatch=Exact&resourceVersion=${version}`);
    expect(list.body).toMatchObject({
      code: 410,
      reason: "Expired",
      message: "The resourceVersion for the provided list is too old.",
    });
    const watch = await api.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=1`);
    expect(watch.status).toBe(200);
    const error = await watch.next();
    expect(error).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    expect(error?.object.message).toMatch(/^too old resource version: 1 \(\d+\)$/);
    expect(await watch.next()).toBeUndefined();
  });
});

describe("watches", () => {
  test("send bookmarks every minute and end at their timeout", async () => {
    const clock = new VirtualClock();
    const { api, server, storage } = await open({ clock });
    const watch = await api.watch(
      `${CONFIG_MAPS}?watch=true&resourceVersion=${storage.revision}&allowWatchBookmarks=true&timeoutSeconds=90`,
    );
    await api.post("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "elsewhere" },
    });
    clock.step();
    expect(clock.monotonicMs()).toBe(60_000);
    const bookmark = await watch.next();
    expect(bookmark).toMatchObject({
      type: "BOOKMARK",
      object: { kind: "ConfigMap", metadata: { resourceVersion: String(storage.revision) } },
    });
    expect(server.openWatchCount).toBe(1);
    clock.step();
    expect(clock.monotonicMs()).toBe(90_000);
    expect(await watch.next()).toBeUndefined();
    expect([server.openWatchCount, clock.pending]).toEqual([0, 0]);
  });

  test("leave nothing behind when the client goes or the server stops", async () => {
    const clock = new VirtualClock();
    const { api, server } = await open({ clock });
    const left = await api.watch(`${CONFIG_MAPS}?watch=true`);
    const stays = await api.watch(`${CONFIG_MAPS}?watch=true`);
    expect(server.openWatchCount).toBe(2);
    left.close();
    expect(server.openWatchCount).toBe(1);
    await server.stop();
    expect(await stays.next()).toBeUndefined();
    expect([server.openWatchCount, clock.pending]).toEqual([0, 0]);
    expect((await api.get("/readyz")).status).toBe(500);
    expect((await api.get(CONFIG_MAPS)).status).toBe(503);
  });

  test("from a revision still to come wait for it", async () => {
    const { api, storage } = await open();
    const watch = await api.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${storage.revision + 1}`);
    await api.post(CONFIG_MAPS, aConfigMap("too-early"));
    await api.post(CONFIG_MAPS, aConfigMap("seen"));
    expect(await watch.take(1)).toEqual(["ADDED seen"]);
    watch.close();
  });
});

test("server-side code reads the same objects that clients do", async () => {
  const { api, server } = await open();
  await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "v" } }));
  expect(server.lookup.get(configMaps, "default", "a")?.data).toEqual({ k: "v" });
  expect(server.lookup.list(configMaps, "default").map((one) => one.metadata.name)).toEqual(["a"]);
  expect(server.lookup.get(configMaps, "default", "b")).toBeUndefined();
});

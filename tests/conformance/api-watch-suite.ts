import { describe, expect, test } from "@jest/globals";
import { aConfigMap, CONFIG_MAPS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

export function watchSuite(name: string, withApi: WithApi): void {
  describe(`${name}: watch`, () => {
    test(
      "a watch from a revision sees every later change in order",
      withApi(async (api) => {
        const { metadata } = (await api.post(CONFIG_MAPS, aConfigMap("a"))).body;
        await api.patch(`${CONFIG_MAPS}/a`, "merge", { data: { k: "v" } });
        const watch = await api.watch(
          `${CONFIG_MAPS}?watch=true&resourceVersion=${metadata.resourceVersion}`,
        );
        expect(await watch.take(1)).toEqual(["MODIFIED a"]);
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        await api.delete(`${CONFIG_MAPS}/a`);
        expect(await watch.take(1)).toEqual(["ADDED b"]);
        const gone = await watch.next();
        expect([gone?.type, gone?.object.metadata.name, gone?.object.data]).toEqual([
          "DELETED",
          "a",
          { k: "v" },
        ]);
        expect(Number(gone?.object.metadata.resourceVersion)).toBeGreaterThan(
          Number(metadata.resourceVersion) + 2,
        );
        watch.close();
      }),
    );

    test(
      "a watch without a revision begins with what exists",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        for (const query of ["watch=1", "watch=true&resourceVersion=0"]) {
          const watch = await api.watch(`${CONFIG_MAPS}?${query}`);
          expect(await watch.take(2)).toEqual(["ADDED a", "ADDED b"]);
          watch.close();
        }
      }),
    );

    test(
      "initial events end with a marked bookmark",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const path = `${CONFIG_MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
        const watch = await api.watch(path);
        expect(await watch.take(1)).toEqual(["ADDED a"]);
        const bookmark = await watch.next();
        expect(bookmark).toMatchObject({
          type: "BOOKMARK",
          object: { kind: "ConfigMap", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
        });
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        expect(await watch.take(1)).toEqual(["ADDED b"]);
        watch.close();
        const wrong = await api.get(`${CONFIG_MAPS}?watch=true&sendInitialEvents=true`);
        expect(wrong.status).toBe(422);
      }),
    );

    test(
      "an object that leaves the selector is DELETED as it last matched, one that enters is ADDED",
      withApi(async (api) => {
        const { metadata } = (await api.post(CONFIG_MAPS, aConfigMap("a", {}, { app: "x" }))).body;
        const watch = await api.watch(
          `${CONFIG_MAPS}?watch=true&labelSelector=app%3Dx&resourceVersion=${metadata.resourceVersion}`,
        );
        const path = `${CONFIG_MAPS}/a`;
        const left = await api.patch(path, "merge", { metadata: { labels: { app: "y" } } });
        await api.patch(path, "merge", { data: { unseen: "1" } });
        await api.patch(path, "merge", { metadata: { labels: { app: "x" } } });
        const deleted = await watch.next();
        expect(deleted).toMatchObject({
          type: "DELETED",
          object: {
            metadata: { labels: { app: "x" }, resourceVersion: left.body.metadata.resourceVersion },
          },
        });
        expect(await watch.take(1)).toEqual(["ADDED a"]);
        watch.close();
      }),
    );

    test(
      "a watch of one name sees only that one",
      withApi(async (api) => {
        const { metadata } = (await api.post(CONFIG_MAPS, aConfigMap("a"))).body;
        const watch = await api.watch(
          `${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dab&resourceVersion=${metadata.resourceVersion}`,
        );
        await api.post(CONFIG_MAPS, aConfigMap("abc"));
        await api.post(CONFIG_MAPS, aConfigMap("ab"));
        expect(await watch.take(1)).toEqual(["ADDED ab"]);
        watch.close();
      }),
    );

    test(
      "a watch as tables sends the columns once",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const watch = await api.watch(`${CONFIG_MAPS}?watch=true`, TABLE);
        const first = await watch.next();
        expect(first?.object.kind).toBe("Table");
        expect(first?.object.columnDefinitions?.length).toBe(3);
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        const second = await watch.next();
        expect(second?.object.columnDefinitions).toBeNull();
        expect(second?.object.rows?.[0]?.cells[0]).toBe("b");
        watch.close();
      }),
    );

    test(
      "a watch as tables sends the columns first also when changes come before it is read",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        const watch = await api.watch(`${CONFIG_MAPS}?watch=true`, TABLE);
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        const events = [await watch.next(), await watch.next()];
        expect(events.map((event) => event?.object.columnDefinitions?.length)).toEqual([3, undefined]);
        watch.close();
      }),
    );

    test(
      "writes that change nothing, fail or run dry wake no watcher",
      withApi(async (api) => {
        const { body } = await api.post(CONFIG_MAPS, aConfigMap("a"));
        const watch = await api.watch(
          `${CONFIG_MAPS}?watch=true&resourceVersion=${body.metadata.resourceVersion}`,
        );
        await api.put(`${CONFIG_MAPS}/a`, body);
        await api.post(CONFIG_MAPS, aConfigMap("a"));
        await api.post(`${CONFIG_MAPS}?dryRun=All`, aConfigMap("dry"));
        await api.post(CONFIG_MAPS, aConfigMap("b"));
        expect(await watch.take(1)).toEqual(["ADDED b"]);
        watch.close();
      }),
    );

    test(
      "watch parameters that make no sense are refused",
      withApi(async (api) => {
        const reply = await api.get(`${CONFIG_MAPS}?watch=true&resourceVersionMatch=Exact&resourceVersion=1`);
        expect(reply.status).toBe(422);
        const version = await api.get(`${CONFIG_MAPS}?watch=true&resourceVersion=abc`);
        expect(version.body.message).toContain(
          'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
        );
      }),
    );
  });
}

import { describe, expect, test } from "@jest/globals";
import { aConfigMap, CONFIG_MAPS, DEPLOYMENTS } from "./api-objects.js";
import type { WithApi } from "./api-suite.js";

/** Paths, methods and content types. */
export function protocolSuite(name: string, withApi: WithApi): void {
  describe(`${name}: the API's protocol`, () => {
    test(
      "an unknown group is a plain 404, an unknown resource of a known one a Status",
      withApi(async (api) => {
        const group = await api.get("/apis/nothing.example/v1/things");
        expect([group.status, group.text]).toEqual([404, "404 page not found\n"]);
        const resource = await api.get("/api/v1/namespaces/default/things");
        expect(resource.status).toBe(404);
        expect(resource.body).toMatchObject({
          kind: "Status",
          reason: "NotFound",
          message: "the server could not find the requested resource",
        });
      }),
    );

    test(
      "a method that a path does not take is answered 405 MethodNotAllowed",
      withApi(async (api) => {
        for (const reply of [
          await api.post(`${CONFIG_MAPS}/a`, aConfigMap("a")),
          await api.put(CONFIG_MAPS, aConfigMap("a")),
          await api.post("/api/v1/configmaps", aConfigMap("a")),
        ]) {
          expect(reply.status).toBe(405);
          expect(reply.body).toMatchObject({
            reason: "MethodNotAllowed",
            message: "the server does not allow this method on the requested resource",
          });
        }
      }),
    );

    test(
      "objects are read and written as YAML when asked",
      withApi(async (api) => {
        const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: 'yes'\n";
        const created = await api.post(CONFIG_MAPS, yaml, { "content-type": "application/yaml" });
        expect([created.status, created.body.data]).toEqual([201, { k: "yes" }]);
        const read = await api.get(`${CONFIG_MAPS}/a`, { accept: "application/yaml" });
        expect(read.headers["content-type"]).toBe("application/yaml");
        expect(read.text).toContain("kind: ConfigMap\n");
      }),
    );

    test(
      "content types that this server does not speak are 415 in and 406 out",
      withApi(async (api) => {
        const sent = await api.post(CONFIG_MAPS, "x", {
          "content-type": "application/xml",
        });
        expect(sent.status).toBe(415);
        expect(sent.body).toMatchObject({
          reason: "UnsupportedMediaType",
          message:
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        });
        const asked = await api.get(CONFIG_MAPS, { accept: "application/vnd.kubernetes.protobuf" });
        expect([asked.status, asked.body.reason]).toEqual([406, "NotAcceptable"]);
        const either = "application/vnd.kubernetes.protobuf,application/json";
        expect((await api.get(CONFIG_MAPS, { accept: either })).status).toBe(200);
      }),
    );

    test(
      "broken JSON, deep nesting and huge bodies change nothing",
      withApi(async (api) => {
        const broken = await api.post(CONFIG_MAPS, '{"kind":');
        expect([broken.status, broken.body.reason]).toEqual([400, "BadRequest"]);
        const deep = await api.post(CONFIG_MAPS, `{"data":${"[".repeat(100_000)}`);
        expect([deep.status, deep.body.reason]).toEqual([400, "BadRequest"]);
        const huge = await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "x".repeat(4_000_000) } }));
        expect([huge.status, huge.body.reason]).toEqual([413, "RequestEntityTooLarge"]);
        expect((await api.get(CONFIG_MAPS)).body.items).toEqual([]);
      }),
    );

    test(
      "unknown fields are warned of, refused or ignored as fieldValidation says",
      withApi(async (api) => {
        const wrong = aDeployment();
        const warned = await api.post(DEPLOYMENTS, wrong);
        expect(warned.status).toBe(201);
        expect(warned.headers["warning"]).toBe('299 - "unknown field \\"spec.replica\\""');
        const strict = await api.post(`${DEPLOYMENTS}?fieldValidation=Strict`, wrong);
        expect([strict.status, strict.body.message]).toEqual([
          400,
          'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica"',
        ]);
        const ignored = await api.put(`${DEPLOYMENTS}/web?fieldValidation=Ignore`, wrong);
        expect([ignored.status, ignored.headers["warning"]]).toEqual([200, undefined]);
      }),
    );

    test(
      "a table has the kind's columns, its rows carry metadata",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "v" } }));
        const accept =
          "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        const { body } = await api.get(CONFIG_MAPS, { accept });
        expect(body.kind).toBe("Table");
        expect(body.columnDefinitions?.map((column) => column.name)).toEqual(["Name", "Data", "Age"]);
        const [row] = body.rows ?? [];
        expect(row?.cells.slice(0, 2)).toEqual(["a", 1]);
        expect(row?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
        const none = await api.get(`${CONFIG_MAPS}/a?includeObject=None`, { accept });
        expect(Object.keys(none.body.rows?.[0] ?? {})).toEqual(["cells"]);
      }),
    );

    test(
      "metadata alone can be asked for",
      withApi(async (api) => {
        await api.post(CONFIG_MAPS, aConfigMap("a", { data: { k: "v" } }));
        const one = await api.get(`${CONFIG_MAPS}/a`, {
          accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        });
        expect(Object.keys(one.body).sort()).toEqual(["apiVersion", "kind", "metadata"]);
        const list = await api.get(CONFIG_MAPS, {
          accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        });
        expect(list.body.kind).toBe("PartialObjectMetadataList");
        expect(list.body.items).toMatchObject([{ kind: "PartialObjectMetadata", metadata: { name: "a" } }]);
      }),
    );

    test(
      "health and version answer without a resource",
      withApi(async (api) => {
        expect((await api.get("/readyz")).text).toBe("ok");
        const verbose = await api.get("/livez?verbose");
        expect(verbose.text).toContain("[+]etcd ok\n");
        expect(verbose.text).toMatch(/livez check passed\n$/);
        expect((await api.get("/readyz/etcd")).text).toBe("ok");
        expect((await api.get("/version")).body).toMatchObject({ major: "1", minor: "36" });
      }),
    );
  });
}

const aDeployment = () => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replica: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: "nginx" }] },
    },
  },
});

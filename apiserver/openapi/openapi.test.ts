import { expect, test } from "@jest/globals";
import type { HttpResponse } from "../../machinery/api/http.js";
import { allResources } from "../registry/resources.js";
import { OpenApi } from "./openapi.js";

const resources = allResources();
const openApi = new OpenApi({ resources: () => resources, version: "v1.36.0" });

function get(path: string, headers: Record<string, string> = {}): HttpResponse {
  const response = openApi.handle({ method: "GET", path, headers });
  if (!response) throw new Error(`nothing answers ${path}`);
  return response;
}
const text = ({ body }: HttpResponse): string => Buffer.from(body as Uint8Array).toString();
const json = (response: HttpResponse): Record<string, unknown> =>
  JSON.parse(text(response)) as Record<string, unknown>;

test("the contents name every group version with the hash of its document", () => {
  const { paths } = json(get("/openapi/v3")) as { paths: Record<string, { serverRelativeURL: string }> };
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(["api/v1", "apis/apps/v1", "apis/discovery.k8s.io/v1"]),
  );
  const url = paths["apis/apps/v1"]?.serverRelativeURL ?? "";
  expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
  expect(get(url).headers["cache-control"]).toBe("public, immutable");
});

test("an outdated hash leads to the present document", () => {
  const response = get("/openapi/v3/apis/apps/v1?hash=OLD");
  expect(response.status).toBe(301);
  expect(get(response.headers["location"] ?? "").status).toBe(200);
});

test("an unchanged document is not sent twice", () => {
  const { etag = "" } = get("/openapi/v3/api/v1").headers;
  expect(get("/openapi/v3/api/v1", { "if-none-match": etag }).status).toBe(304);
});

test("kubectl finds fieldValidation on the operation that patches a kind", () => {
  const { paths } = json(get("/openapi/v3/apis/apps/v1")) as {
    paths: Record<string, { patch?: { requestBody: { content: object } } }>;
  };
  const patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.patch;
  expect(patch).toMatchObject({
    operationId: "patchAppsV1NamespacedDeployment",
    "x-kubernetes-action": "patch",
    "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
    parameters: [
      { name: "dryRun" },
      { name: "fieldManager" },
      { name: "fieldValidation" },
      { name: "force" },
    ],
  });
  expect(Object.keys(patch?.requestBody.content ?? {})).toEqual([
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
  ]);
});

test("every reference in a document leads somewhere in it", () => {
  for (const path of ["/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1"]) {
    const document = text(get(path));
    const { components } = JSON.parse(document) as { components: { schemas: object } };
    const names = new Set(
      [...document.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name),
    );
    expect([...names].filter((name) => name && !(name in components.schemas))).toEqual([]);
  }
  const swagger = text(get("/openapi/v2"));
  const { definitions } = JSON.parse(swagger) as { definitions: object };
  const names = new Set([...swagger.matchAll(/"#\/definitions\/([^"]+)"/g)].map(([, name]) => name));
  expect([...names].filter((name) => name && !(name in definitions))).toEqual([]);
});

test("operations have ids of their own", () => {
  const ids = [...text(get("/openapi/v2")).matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("Go clients get OpenAPI v2 as the protobuf they ask for", () => {
  const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const response = get("/openapi/v2", { accept });
  expect(response.headers["content-type"]).toBe("application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  const bytes = response.body as Uint8Array;
  // Field 1 (swagger), length 3, then field 2 (info).
  expect([...bytes.subarray(0, 6)]).toEqual([0x0a, 3, ...Buffer.from("2.0"), 0x12]);
  expect(text(response)).toContain("io.k8s.api.core.v1.Service");
});

test("v3 is JSON only", () => {
  const response = get("/openapi/v3/api/v1", {
    accept: "application/com.github.proto-openapi.spec.v3@v1.0+protobuf",
  });
  expect(response.status).toBe(406);
  expect(json(response)).toMatchObject({ reason: "NotAcceptable", code: 406 });
});

test("a group that is not served has no document", () => {
  expect(openApi.handle({ method: "GET", path: "/openapi/v3/apis/batch/v7", headers: {} })).toBeUndefined();
});

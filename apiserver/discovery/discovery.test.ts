import { describe, expect, test } from "@jest/globals";
import type { HttpResponse } from "../../machinery/api/http.js";
import { resource } from "../../machinery/api/resource.js";
import { type ServedResource, serve, type Subresource } from "../registry/serve.js";
import { Discovery } from "./discovery.js";

const scale: Subresource = {
  kind: "projection",
  descriptor: resource("autoscaling/v1", "Scale", { plural: "scales" }),
  verbs: ["update", "get", "patch"],
  get: (object) => object,
  put: () => [],
};
const status: Subresource = { kind: "view", strategy: {}, verbs: ["get", "patch", "update"] };
const served = { strategy: {}, columns: [], row: () => [] };
const deployments = serve(
  resource("apps/v1", "Deployment", { plural: "deployments", shortNames: ["deploy"], categories: ["all"] }),
  {
    ...served,
    subresources: { status, scale },
  },
);
const nodes = serve(
  resource("v1", "Node", { plural: "nodes", shortNames: ["no"], namespaced: false }),
  served,
);
const reviews = serve(
  resource("authorization.k8s.io/v1", "SelfSubjectAccessReview", {
    plural: "selfsubjectaccessreviews",
    namespaced: false,
  }),
  {
    ...served,
    virtual: (object) => object,
  },
);
const widgets = ["v1alpha1", "v1", "v2beta1", "v2"].map((version) =>
  serve(resource(`example.com/${version}`, "Widget", { plural: "widgets" }), served),
);

let current: readonly ServedResource[] = [...widgets, deployments, reviews, nodes];
const discovery = new Discovery({ resources: () => current, serverAddress: "127.0.0.1:6443" });

function get(path: string, headers: Record<string, string> = {}): HttpResponse {
  const response = discovery.handle({ method: "GET", path, headers });
  if (!response) throw new Error(`nothing answers ${path}`);
  return response;
}
const json = ({ body }: HttpResponse): unknown => JSON.parse(Buffer.from(body as Uint8Array).toString());

describe("plain discovery", () => {
  test("/api lists the core versions", () => {
    expect(json(get("/api"))).toEqual({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:6443" }],
    });
  });

  test("/apis lists the other groups in the aggregator's order, preferred version first", () => {
    const { groups } = json(get("/apis/")) as { groups: { name: string; versions: { version: string }[] }[] };
    expect(groups.map(({ name }) => name)).toEqual(["apps", "authorization.k8s.io", "example.com"]);
    expect(groups[2]?.versions.map(({ version }) => version)).toEqual(["v2", "v1", "v2beta1", "v1alpha1"]);
    expect(json(get("/apis/example.com"))).toMatchObject({
      kind: "APIGroup",
      preferredVersion: { groupVersion: "example.com/v2", version: "v2" },
    });
  });

  test("a group version lists resources and subresources, those of other kinds with their group", () => {
    const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    expect(json(get("/apis/apps/v1"))).toEqual({
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "apps/v1",
      resources: [
        {
          name: "deployments",
          singularName: "deployment",
          namespaced: true,
          kind: "Deployment",
          verbs,
          shortNames: ["deploy"],
          categories: ["all"],
        },
        {
          name: "deployments/scale",
          singularName: "",
          namespaced: true,
          group: "autoscaling",
          version: "v1",
          kind: "Scale",
          verbs: ["get", "patch", "update"],
        },
        {
          name: "deployments/status",
          singularName: "",
          namespaced: true,
          kind: "Deployment",
          verbs: ["get", "patch", "update"],
        },
      ],
    });
  });

  test("a review can only be created", () => {
    expect(json(get("/apis/authorization.k8s.io/v1"))).toMatchObject({ resources: [{ verbs: ["create"] }] });
  });

  test("unknown groups and versions, and objects, are not discovery's", () => {
    for (const path of [
      "/apis/none",
      "/apis/apps/v2",
      "/api/v2",
      "/api/v1/nodes",
      "/apis/apps/v1/deployments",
      "/apiss",
    ])
      expect(discovery.handle({ method: "GET", path, headers: {} })).toBeUndefined();
  });
});

describe("aggregated discovery", () => {
  const accept = (version: string): string =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

  test("answers all groups with their resources at once", () => {
    const response = get("/apis?timeout=32s", {
      accept: `${accept("v2")},${accept("v2beta1")},application/json`,
    });
    expect(response.headers["content-type"]).toBe(accept("v2"));
    expect(json(response)).toMatchObject({
      kind: "APIGroupDiscoveryList",
      apiVersion: "apidiscovery.k8s.io/v2",
      items: [
        {
          metadata: { name: "apps" },
          versions: [
            {
              version: "v1",
              freshness: "Current",
              resources: [
                {
                  resource: "deployments",
                  responseKind: { group: "apps", version: "v1", kind: "Deployment" },
                  scope: "Namespaced",
                  singularResource: "deployment",
                  shortNames: ["deploy"],
                  subresources: [
                    {
                      subresource: "scale",
                      responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
                    },
                    {
                      subresource: "status",
                      responseKind: { group: "apps", version: "v1", kind: "Deployment" },
                    },
                  ],
                },
              ],
            },
          ],
        },
        { metadata: { name: "authorization.k8s.io" } },
        { metadata: { name: "example.com" } },
      ],
    });
  });

  test("/api carries the core group; older clients ask for v2beta1", () => {
    const response = get("/api", { accept: `${accept("v2beta1")},application/json` });
    expect(json(response)).toMatchObject({
      apiVersion: "apidiscovery.k8s.io/v2beta1",
      items: [{ versions: [{ resources: [{ resource: "nodes", scope: "Cluster" }] }] }],
    });
  });

  test("who does not know it gets the plain form, who wants only protobuf gets 406", () => {
    expect(json(get("/apis", { accept: "application/json, */*" }))).toMatchObject({ kind: "APIGroupList" });
    expect(get("/apis", { accept: "application/vnd.kubernetes.protobuf" }).status).toBe(406);
  });

  test("is not sent again while nothing changed, and follows what is served", () => {
    const headers = { accept: accept("v2") };
    const { etag = "" } = get("/apis", headers).headers;
    expect(get("/apis", { ...headers, "if-none-match": etag }).status).toBe(304);
    current = current.filter((candidate) => candidate !== reviews);
    const changed = get("/apis", { ...headers, "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(json(changed)).not.toMatchObject({ items: [{}, { metadata: { name: "authorization.k8s.io" } }] });
  });
});

import { expect, test } from "@jest/globals";
import { parseRequestInfo } from "./request-info.js";

const info = (method: string, path: string, query = "") => {
  const { verb, group, version, resource, subresource, namespace, name, rest, isResourceRequest } =
    parseRequestInfo(method, path, new URLSearchParams(query));
  return isResourceRequest
    ? [verb, `${group}/${version}`, resource, subresource, namespace, name, rest]
    : [verb];
};

test("paths and methods become verbs on resources", () => {
  expect(info("GET", "/api/v1/pods")).toEqual(["list", "/v1", "pods", "", "", "", ""]);
  expect(info("GET", "/api/v1/pods/", "watch=true")).toEqual(["watch", "/v1", "pods", "", "", "", ""]);
  expect(info("GET", "/api/v1/pods", "watch=0")[0]).toBe("list");
  expect(info("POST", "/api/v1/namespaces/a/pods")).toEqual(["create", "/v1", "pods", "", "a", "", ""]);
  expect(info("DELETE", "/api/v1/namespaces/a/pods")[0]).toBe("deletecollection");
  expect(info("PUT", "/apis/apps/v1/namespaces/a/deployments/web/scale")).toEqual([
    "update",
    "apps/v1",
    "deployments",
    "scale",
    "a",
    "web",
    "",
  ]);
  expect(info("GET", "/api/v1/nodes/n/proxy/logs/x")).toEqual([
    "get",
    "/v1",
    "nodes",
    "proxy",
    "",
    "n",
    "logs/x",
  ]);
});

test("a namespace is a resource of its own, and so are its subresources", () => {
  expect(info("GET", "/api/v1/namespaces")).toEqual(["list", "/v1", "namespaces", "", "", "", ""]);
  expect(info("GET", "/api/v1/namespaces/a")).toEqual(["get", "/v1", "namespaces", "", "a", "a", ""]);
  expect(info("PUT", "/api/v1/namespaces/a/finalize")).toEqual([
    "update",
    "/v1",
    "namespaces",
    "finalize",
    "a",
    "a",
    "",
  ]);
});

test("discovery and other paths are plain", () => {
  for (const path of ["/", "/healthz", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/openapi/v3"])
    expect(info("GET", path)).toEqual(["get"]);
});

test("segments are decoded one by one and never throw", () => {
  expect(info("GET", "/api/v1/namespaces/a%2Fb/pods/c%2Fd")).toEqual([
    "get",
    "/v1",
    "pods",
    "",
    "a/b",
    "c/d",
    "",
  ]);
  expect(info("GET", "/api/v1/pods/%zz")[5]).toBe("%zz");
});

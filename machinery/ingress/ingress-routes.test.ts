import { expect, test } from "@jest/globals";
import type { Ingress, IngressClass } from "../api/networking-v1.js";
import { type ClassOptions, whyIgnored } from "./ingress-class.js";
import { toVirtualHost } from "./ingress-routes.js";
import { IngressTable } from "./ingress-table.js";
import { Router } from "./router.js";

const NGINX = "nginx.ingress.kubernetes.io/";

function anIngress(
  name: string,
  spec: Partial<Ingress["spec"]>,
  {
    annotations = {},
    createdAt = "2026-11-21T00:00:00Z",
  }: { annotations?: Record<string, string>; createdAt?: string } = {},
): Ingress {
  const ours = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [NGINX + key, value]));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: "default",
      uid: name,
      resourceVersion: "1",
      creationTimestamp: createdAt,
      annotations: ours,
    },
    spec: { ingressClassName: "nginx", ...spec },
    status: { loadBalancer: {} },
  } as Ingress;
}

const toService = (name: string, port: number | string = 80) => ({
  service: { name, port: typeof port === "number" ? { number: port } : { name: port } },
});
const aRule = (
  host: string | undefined,
  path: string,
  service: string,
  pathType: "Exact" | "Prefix" | "ImplementationSpecific" = "Prefix",
) => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path, pathType, backend: toService(service) }] },
});

function routed(ingresses: Ingress[], host: string, path: string): string | undefined {
  const router = new Router();
  const table = new IngressTable(router);
  for (const ingress of ingresses) table.set(ingress);
  table.flush();
  const route = router.find({ host, path, method: "GET", headers: {} })?.route;
  return route && (route.targets[0]?.target.name ?? "nothing");
}

test("of two Ingresses that want the same path the older one gets it", () => {
  const young = anIngress(
    "a-young",
    { rules: [aRule("h", "/", "young")] },
    { createdAt: "2026-11-21T00:00:02Z" },
  );
  const old = anIngress("b-old", { rules: [aRule("h", "/", "old")] }, { createdAt: "2026-11-21T00:00:01Z" });
  expect(routed([young, old], "h", "/")).toBe("old");
});

test("paths of several Ingresses for one host are served together", () => {
  const one = anIngress("one", { rules: [aRule("h", "/", "root")] });
  const two = anIngress("two", { rules: [aRule("h", "/api", "api"), aRule("other", "/", "other")] });
  expect(routed([one, two], "h", "/api/x")).toBe("api");
  expect(routed([one, two], "h", "/x")).toBe("root");
  expect(routed([one, two], "other", "/")).toBe("other");
  expect(routed([one, two], "third", "/")).toBeUndefined();
});

test("an Ingress without rules sends everything to its default backend", () => {
  const all = anIngress("all", { defaultBackend: toService("all") });
  expect(routed([all], "whatever.example", "/x")).toBe("all");
});

test("a default backend beside rules serves what none of the host's paths matches", () => {
  const both = anIngress("both", { defaultBackend: toService("rest"), rules: [aRule("h", "/api", "api")] });
  expect(routed([both], "h", "/x")).toBe("rest");
  expect(routed([both], "h", "/api")).toBe("api");
});

test("a resource backend is served by nothing", () => {
  const backend = { resource: { apiGroup: "k8s.example.com", kind: "StorageBucket", name: "static" } };
  const rules = [
    {
      host: "h",
      http: { paths: [{ path: "/icons", pathType: "ImplementationSpecific" as const, backend }] },
    },
  ];
  expect(routed([anIngress("icons", { rules })], "h", "/icons/a.png")).toBe("nothing");
});

test("ImplementationSpecific is nginx's prefix, letter by letter", () => {
  const ingress = anIngress("i", { rules: [aRule("h", "/foo", "foo", "ImplementationSpecific")] });
  expect(routed([ingress], "h", "/foobar")).toBe("foo");
});

test("rewrite-target on one Ingress makes regular expressions of every path of its host", () => {
  const rewriting = anIngress(
    "a",
    { rules: [aRule("h", "/api(/|$)(.*)", "api", "ImplementationSpecific")] },
    { annotations: { "rewrite-target": "/$2" } },
  );
  const exact = anIngress("b", { rules: [aRule("h", "/foo", "foo", "Exact")] });
  expect(routed([rewriting, exact], "h", "/foobar")).toBe("foo");
  expect(routed([rewriting, exact], "h", "/api/x")).toBe("api");
});

test("a canary hangs on the route of the same host and path", () => {
  const stable = anIngress("web", { rules: [aRule("h", "/", "v1")] });
  const canary = anIngress(
    "web-canary",
    { rules: [aRule("h", "/", "v2")] },
    { annotations: { canary: "true", "canary-weight": "20" } },
  );
  const { routes } = toVirtualHost("h", [canary, stable]);
  expect(routes).toHaveLength(1);
  expect(routes[0]).toMatchObject({
    owner: "default/web",
    canary: { weight: 20, weightTotal: 100, targets: [{ target: { name: "v2" } }] },
  });
});

test("a host has TLS when an Ingress lists it, with its Secret or with the default certificate", () => {
  const rules = [aRule("a.example", "/", "a")];
  const secret = anIngress("a", { rules, tls: [{ hosts: ["a.example"], secretName: "a-tls" }] });
  expect(toVirtualHost("a.example", [secret]).tls).toEqual({ secret: "default/a-tls" });
  expect(
    toVirtualHost("a.example", [anIngress("b", { rules, tls: [{ hosts: ["a.example"] }] })]).tls,
  ).toEqual({});
  expect(
    toVirtualHost("a.example", [anIngress("c", { rules, tls: [{ hosts: ["*.example"], secretName: "w" }] })])
      .tls,
  ).toEqual({ secret: "default/w" });
  expect(toVirtualHost("a.example", [anIngress("d", { rules })]).tls).toBeUndefined();
});

test("an Ingress that changes or goes leaves nothing behind, and touches only its own hosts", () => {
  const router = new Router();
  const table = new IngressTable(router);
  table.set(anIngress("one", { rules: [aRule("a", "/", "a"), aRule("b", "/", "b")] }));
  table.set(anIngress("two", { rules: [aRule("c", "/", "c")] }));
  table.flush();
  const untouched = router.virtualHost("c");
  table.set(anIngress("one", { rules: [aRule("b", "/", "b2")] }));
  expect(table.flush()).toBe(true);
  expect(router.hosts.sort()).toEqual(["b", "c"]);
  expect(router.virtualHost("c")).toBe(untouched);
  table.delete("default/one");
  table.delete("default/two");
  table.flush();
  expect(router.hosts).toEqual([]);
  expect(table.flush()).toBe(false);
});

const options: ClassOptions = {
  controller: "k8s.io/ingress-nginx",
  annotation: "nginx",
  withoutClass: false,
  byName: false,
};
const aClass = (name: string, controller: string): IngressClass =>
  ({
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    metadata: { name, uid: name, resourceVersion: "1" },
    spec: { controller },
  }) as IngressClass;
const classes = new Map([
  ["nginx", aClass("nginx", "k8s.io/ingress-nginx")],
  ["other", aClass("other", "example.com/other")],
]);

test.each<[string | undefined, string | undefined, Partial<ClassOptions>, string | undefined]>([
  ["nginx", undefined, {}, undefined],
  ["other", undefined, {}, 'no object matching key "other" in local store'],
  ["missing", undefined, {}, 'no object matching key "missing" in local store'],
  [undefined, undefined, {}, "ingress does not contain a valid IngressClass"],
  [undefined, undefined, { withoutClass: true }, undefined],
  [undefined, "nginx", {}, undefined],
  [undefined, "traefik", {}, "ingress class annotation is not equal to the expected by Ingress Controller"],
  ["other", undefined, { byName: true, annotation: "other" }, undefined],
])("class %s, annotation %s, options %j: %s", (className, annotation, more, expected) => {
  const ingress = anIngress("i", {});
  if (className === undefined) delete ingress.spec.ingressClassName;
  else ingress.spec.ingressClassName = className;
  if (annotation !== undefined) ingress.metadata.annotations = { "kubernetes.io/ingress.class": annotation };
  expect(whyIgnored(ingress, (name) => classes.get(name), { ...options, ...more })).toBe(expected);
});

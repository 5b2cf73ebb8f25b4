import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { toPolicy, Settings } from "./annotations.js";
import type { PathMatch, Route } from "./route.js";
import { Router } from "./router.js";

const policy = toPolicy(new Settings(undefined));
const aRoute = (type: PathMatch["type"], value: string, owner = value): Route => ({
  match: { path: { type, value } },
  owner,
  targets: [],
  policy,
});

const find = (router: Router, host: string, path: string, more: { headers?: Record<string, string> } = {}) =>
  router.find({ host, path, method: "GET", headers: more.headers ?? {} });

function chosen(routes: readonly Route[], path: string): string | undefined {
  const router = new Router();
  router.set({ host: "", routes });
  return find(router, "any.example", path)?.route?.owner;
}

// https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
test.each<[PathMatch["type"], string[], string, string | undefined]>([
  ["Prefix", ["/"], "/any/path", "/"],
  ["Exact", ["/foo"], "/foo", "/foo"],
  ["Exact", ["/foo"], "/bar", undefined],
  ["Exact", ["/foo"], "/foo/", undefined],
  ["Exact", ["/foo/"], "/foo", undefined],
  ["Prefix", ["/foo"], "/foo", "/foo"],
  ["Prefix", ["/foo"], "/foo/", "/foo"],
  ["Prefix", ["/foo/"], "/foo", "/foo/"],
  ["Prefix", ["/foo/"], "/foo/", "/foo/"],
  ["Prefix", ["/aaa/bb"], "/aaa/bbb", undefined],
  ["Prefix", ["/aaa/bbb"], "/aaa/bbb", "/aaa/bbb"],
  ["Prefix", ["/aaa/bbb/"], "/aaa/bbb", "/aaa/bbb/"],
  ["Prefix", ["/aaa/bbb"], "/aaa/bbb/", "/aaa/bbb"],
  ["Prefix", ["/aaa/bbb"], "/aaa/bbb/ccc", "/aaa/bbb"],
  ["Prefix", ["/aaa/bbb"], "/aaa/bbbxyz", undefined],
  ["Prefix", ["/", "/aaa"], "/aaa/ccc", "/aaa"],
  ["Prefix", ["/", "/aaa", "/aaa/bbb"], "/aaa/bbb", "/aaa/bbb"],
  ["Prefix", ["/", "/aaa", "/aaa/bbb"], "/ccc", "/"],
  ["Prefix", ["/aaa"], "/ccc", undefined],
])("paths match as in the Ingress documentation: %s %j, %s", (type, paths, request, expected) => {
  expect(
    chosen(
      paths.map((path) => aRoute(type, path)),
      request,
    ),
  ).toBe(expected);
});

test("an exact path wins over a prefix of the same length", () => {
  const both = [aRoute("Prefix", "/foo", "prefix"), aRoute("Exact", "/foo", "exact")];
  expect(chosen(both, "/foo")).toBe("exact");
  expect(chosen(both, "/foo/bar")).toBe("prefix");
});

// https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards
test.each<[string, string, boolean]>([
  ["*.foo.com", "bar.foo.com", true],
  ["*.foo.com", "baz.bar.foo.com", false],
  ["*.foo.com", "foo.com", false],
  ["foo.com", "foo.com", true],
  ["foo.com", "bar.foo.com", false],
])("the host %s serves %s: %s", (host, asked, expected) => {
  const router = new Router();
  router.set({ host, routes: [aRoute("Prefix", "/")] });
  expect(find(router, asked, "/") !== undefined).toBe(expected);
});

test("an exact host wins over a wildcard, this over no host; a host that is found does not fall through", () => {
  const router = new Router();
  router.set({ host: "", routes: [aRoute("Prefix", "/", "any")] });
  router.set({ host: "*.foo.com", routes: [aRoute("Prefix", "/", "wildcard")] });
  router.set({ host: "bar.foo.com", routes: [aRoute("Prefix", "/only", "exact")] });
  expect(find(router, "bar.foo.com", "/only")?.route?.owner).toBe("exact");
  expect(find(router, "bar.foo.com", "/")?.route).toBeUndefined();
  expect(find(router, "x.foo.com", "/")?.route?.owner).toBe("wildcard");
  expect(find(router, "foo.com", "/")?.route?.owner).toBe("any");
  expect(find(router, "", "/")?.route?.owner).toBe("any");
});

test("a route that asks for headers wins over one of the same path that does not", () => {
  const plain = aRoute("Prefix", "/", "plain");
  const canary: Route = {
    ...aRoute("Prefix", "/", "canary"),
    match: { path: { type: "Prefix", value: "/" }, headers: [{ name: "x-version", value: /v\d/ }] },
  };
  const router = new Router();
  router.set({ host: "", routes: [plain, canary] });
  expect(find(router, "h", "/", { headers: { "x-version": "v2" } })?.route?.owner).toBe("canary");
  expect(find(router, "h", "/", { headers: { "x-version": "v2beta" } })?.route?.owner).toBe("plain");
  expect(find(router, "h", "/")?.route?.owner).toBe("plain");
});

test("regular expressions are tried from the longest, whatever their case, and give their groups", () => {
  const router = new Router();
  const routes = [aRoute("Regex", "/"), aRoute("Regex", "/api(/|$)(.*)"), aRoute("Regex", "/broken[")];
  router.set({ host: "", routes });
  const found = find(router, "h", "/API/users/1");
  expect(found?.route?.owner).toBe("/api(/|$)(.*)");
  expect(found?.groups).toEqual(["/API/users/1", "/", "users/1"]);
});

/** What the documentation says, word by word: the longest matching path; exact before prefix. */
function naive(routes: readonly Route[], path: string): Route | undefined {
  const elements = (text: string): string[] => text.split("/").filter((part) => part !== "");
  const fits = ({ match }: Route): boolean => {
    const { type, value } = match.path;
    if (type === "Exact") return value === path;
    if (type === "StringPrefix") return path.startsWith(value);
    const wanted = elements(value);
    const given = elements(path);
    return wanted.every((part, i) => given[i] === part);
  };
  const lengthOf = ({ match }: Route): number =>
    match.path.type === "Exact" ? Number.POSITIVE_INFINITY : match.path.value.replace(/\/+$/, "").length;
  let best: Route | undefined;
  for (const route of routes) {
    if (!fits(route)) continue;
    const isLonger = best === undefined || lengthOf(route) > lengthOf(best);
    const isWhole =
      best !== undefined &&
      lengthOf(route) === lengthOf(best) &&
      route.match.path.type === "Prefix" &&
      best.match.path.type === "StringPrefix";
    if (isLonger || isWhole) best = route;
  }
  return best;
}

test("the router chooses what a search through all routes would choose", () => {
  const part = fc.constantFrom("a", "b", "ab", "abc");
  const path = fc
    .tuple(fc.array(part, { maxLength: 4 }), fc.boolean())
    .map(([parts, slash]) => (parts.length === 0 ? "/" : `/${parts.join("/")}${slash ? "/" : ""}`));
  const type = fc.constantFrom<PathMatch["type"]>("Exact", "Prefix", "StringPrefix");
  const routes = fc
    .uniqueArray(fc.tuple(type, path), {
      maxLength: 8,
      selector: ([kind, value]) => `${kind} ${value.replace(/(.)\/$/, "$1")}`,
    })
    .map((list) => list.map(([kind, value]) => aRoute(kind, value, `${kind} ${value}`)));
  fc.assert(
    fc.property(routes, path, (list, asked) => {
      expect(chosen(list, asked)).toBe(naive(list, asked)?.owner);
    }),
    { numRuns: 2000 },
  );
});

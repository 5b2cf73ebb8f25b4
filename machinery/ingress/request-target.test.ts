import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { normalizePath, parseTarget, toHostName } from "./request-target.js";

test.each([
  ["Example.COM", "example.com"],
  ["example.com:8080", "example.com"],
  ["example.com.", "example.com"],
  ["[::1]:80", "[::1]"],
  ["", ""],
  [undefined, ""],
  ["a b", undefined],
  ["a,b", undefined],
  ["user@host", undefined],
])("the host of %j is %j", (header, expected) => {
  expect(toHostName(header)).toBe(expected);
});

test.each([
  ["/a/b", "/a/b"],
  ["/a//b/./c/../d/", "/a/b/d/"],
  ["/%61%2Fb", "/a/b"],
  ["/a/..", "/"],
  ["/..", undefined],
  ["/%2e%2e/etc", undefined],
  ["/%zz", undefined],
  ["/a%00b", undefined],
  ["a", undefined],
  ["/caf%e9", "/café"],
])("the path %s is matched as %s", (raw, expected) => {
  expect(normalizePath(raw)).toBe(expected);
});

test("a target in absolute form names its host; its path and query go on as they were sent", () => {
  expect(parseTarget("http://shop.example:80/a%20b?x=1#y")).toEqual({
    host: "shop.example:80",
    uri: "/a%20b?x=1",
    query: "?x=1",
    path: "/a b",
  });
  expect(parseTarget("/a//b?")).toEqual({ uri: "/a//b?", query: "?", path: "/a/b" });
  expect(parseTarget("*")).toBeUndefined();
});

test("no path leads out of the root, whatever it is made of", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("/", "..", ".", "%2e", "%2F", "a", "//", "%", "%c3"), { maxLength: 12 }),
      (parts) => {
        const path = normalizePath(`/${parts.join("")}`);
        if (path === undefined) return;
        expect(path.startsWith("/")).toBe(true);
        expect(path.split("/")).not.toContain("..");
        expect(path).not.toContain("//");
      },
    ),
  );
});

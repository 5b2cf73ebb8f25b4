import { expect, test } from "@jest/globals";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { rewriteLink, rewriteLinks } from "./proxy-links.js";

const ROOT = "/api/v1/namespaces/default/services/web/proxy";
const at = { root: ROOT, hosts: ["10.244.0.5:80", "localhost:8001"] };

test.each([
  ["/a/b?c=d#e", `${ROOT}/a/b?c=d#e`],
  ["/", `${ROOT}/`],
  ["a/b", "a/b"],
  ["", ""],
  ["#top", "#top"],
  [`${ROOT}/x`, `${ROOT}/x`],
  ["http://10.244.0.5:80/x", `${ROOT}/x`],
  ["http://localhost:8001/x", `${ROOT}/x`],
  ["https://kubernetes.io/x", "https://kubernetes.io/x"],
  ["//cdn.example/x", "//cdn.example/x"],
  ["mailto:a@example.com", "mailto:a@example.com"],
  ["javascript:go('/x')", "javascript:go('/x')"],
])("the link %s reads %s behind the proxy", (link, expected) => {
  expect(rewriteLink(link, at)).toBe(expected);
});

test.each([
  [`<A HREF='/x'>/x</A>`, `<A HREF='${ROOT}/x'>/x</A>`],
  [`<img alt="/x" src=/x.png>`, `<img alt="/x" src=${ROOT}/x.png>`],
  [`<a title='<a href="/y">' href = "/x" download>`, `<a title='<a href="/y">' href = "${ROOT}/x" download>`],
  [`<!-- <a href="/x"> --><a href="/y">`, `<!-- <a href="/x"> --><a href="${ROOT}/y">`],
  [`<script src="/x">'<a href="/y">'</script>`, `<script src="${ROOT}/x">'<a href="/y">'</script>`],
  [`<title><a href="/x"></title>`, `<title><a href="/x"></title>`],
  [`<form action="/x"/><div data-src="/x">`, `<form action="${ROOT}/x"/><div data-src="/x">`],
  [`<a href="/x`, `<a href="${ROOT}/x`],
  [`<a ="/x" / href=/y >`, `<a ="/x" / href=${ROOT}/y >`],
  [`<a constructor="/x"><constructor href="/x">`, `<a constructor="/x"><constructor href="/x">`],
  [`1 < 2 & "/x"`, `1 < 2 & "/x"`],
])("in the page %s only links change", (html, expected) => {
  expect(rewriteLinks(html, at)).toBe(expected);
});

test("a page of nonsense comes through whole, and soon", () => {
  const rng = seededRng("pages");
  const pieces = [
    "<a ",
    "<",
    ">",
    "href=",
    '"',
    "'",
    "/x",
    " ",
    "=",
    "<!--",
    "-->",
    "<script",
    "</script",
    "\n",
  ];
  for (let round = 0; round < 200; round++) {
    const html = Array.from({ length: rng.int(0, 60) }, () => rng.pick(pieces)).join("");
    expect(rewriteLinks(html, at).replaceAll(ROOT, "")).toBe(html);
  }
  for (const piece of ["<a ", " ", '<a href="', "<a =", "<!--", "<script>", "<a x "]) {
    const long = `<a${piece.repeat(300_000)}`;
    expect(rewriteLinks(long, at)).toHaveLength(long.length);
  }
}, 10_000);

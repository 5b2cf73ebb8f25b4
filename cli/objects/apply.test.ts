import { expect, test } from "@jest/globals";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { LAST_APPLIED, withLastApplied } from "./apply.js";

test("the remembered configuration is the text that kubectl writes: keys in order, HTML characters escaped", () => {
  const object = { kind: "ConfigMap", metadata: { name: "page" }, data: { html: "<a> & b" } } as unknown;

  expect(withLastApplied(object as KubeObject).metadata.annotations?.[LAST_APPLIED]).toBe(
    '{"data":{"html":"\\u003ca\\u003e \\u0026 b"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"page"}}\n',
  );
});

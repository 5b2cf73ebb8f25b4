import { expect, test } from "@jest/globals";
import { findByPath, renderJsonPath } from "./json-path.js";

const list = {
  kind: "List",
  items: [
    {
      metadata: { name: "a", labels: { "app.kubernetes.io/name": "x" } },
      spec: { n: 1 },
      ports: [{ name: "http", port: 80 }],
    },
    {
      metadata: { name: "b", labels: {} },
      spec: { n: 2 },
      ports: [
        { name: "dns", port: 53 },
        { name: "http", port: 81 },
      ],
    },
  ],
};

test.each([
  ["{.items[*].metadata.name}", "a b"],
  ["{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"],
  ["{.items[0].metadata.labels['app.kubernetes.io/name']}", "x"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.n}{"\\n"}{end}', "a\t1\nb\t2\n"],
  ['{.items[*].ports[?(@.name=="http")].port}', "80 81"],
  ["{.items[-1:].metadata.name}", "b"],
  ["{..port}", "80 53 81"],
  ["names: {.items[0]['metadata.name', 'kind']}", "names: "],
  [".kind", "List"],
  ["{.items[?(@.spec.n>1)].metadata.name}", "b"],
  ["{.items[0].metadata}", '{"name":"a","labels":{"app.kubernetes.io/name":"x"}}'],
])("kubectl's JSONPath %s", (template, expected) => {
  expect(renderJsonPath(template, list)).toBe(expected);
});

test("a path is found without braces, as custom columns write it", () => {
  expect(findByPath(".items[1].metadata.name", list)).toEqual(["b"]);
  expect(findByPath("items[*].spec.n", list)).toEqual([1, 2]);
});

test.each([
  ["{.a", "unclosed action"],
  ["{range .items[*]}{.metadata.name}", "unclosed range"],
  ["{end}", "nothing to end"],
])("a broken template is refused: %s", (template, message) => {
  expect(() => renderJsonPath(template, list)).toThrow(message);
});

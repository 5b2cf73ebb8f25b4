import { expect, test } from "@jest/globals";
import { parseManifest } from "./manifests.js";

const good = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

test("several documents and Lists become single objects, empty documents are left out", () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${good.trim().replace(/\n/g, "\n  ")}\n`;

  expect(
    parseManifest(`---\n${good}---\n---\n${list}`, "f").map(({ object }) => object.metadata.name),
  ).toEqual(["a", "a"]);
});

test.each([
  [
    "metadata without its children",
    "apiVersion: v1\nkind: Service\nmetadata:\nname: web\nspec:\n  ports: []\n",
    /line 4: "name: web" stands at the left margin.*belongs under "metadata"/s,
  ],
  [
    "a list at the margin",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\nports:\n- port: 80\n",
    /line 6: "ports:" stands at the left margin|"spec" is empty/,
  ],
  [
    "a tab",
    "apiVersion: v1\nkind: Service\nmetadata:\n\tname: web\n",
    /line 4: .*\n {2}the line holds a tab/,
  ],
  ["no kind", "apiVersion: v1\nmetadata:\n  name: web\n", /Object 'Kind' is missing/],
  ["a bare word", "hello\n", /the document is not an object/],
])("%s is told with file, line and likely cause", (_, text, message) => {
  expect(() => parseManifest(text, "file.yaml")).toThrow(message);
});

import { expect, test } from "@jest/globals";
import { objectPrinter } from "./object-printer.js";

const service = {
  kind: "Service",
  apiVersion: "v1",
  spec: { ports: [{ targetPort: 80, port: 80 }] },
  metadata: { name: "web", creationTimestamp: "2026-01-02T03:04:05Z", annotations: { revision: "1" } },
};

test("-o json prints keys in order, at every depth", () => {
  const text = objectPrinter("json")?.print(service, []) ?? "";

  expect(JSON.parse(text)).toEqual(service);
  expect(text.match(/"\w+":/g)?.join("")).toBe(
    '"apiVersion":"kind":"metadata":"annotations":"revision":"creationTimestamp":"name":"spec":"ports":"port":"targetPort":',
  );
});

test("-o yaml quotes text that reads like a number or a time with double quotes, as kubectl does", () => {
  expect(objectPrinter("yaml")?.print(service, [])).toBe(
    [
      "apiVersion: v1",
      "kind: Service",
      "metadata:",
      "  annotations:",
      '    revision: "1"',
      '  creationTimestamp: "2026-01-02T03:04:05Z"',
      "  name: web",
      "spec:",
      "  ports:",
      "  - port: 80",
      "    targetPort: 80",
      "",
    ].join("\n"),
  );
});

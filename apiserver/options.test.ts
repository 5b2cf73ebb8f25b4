import { expect, test } from "@jest/globals";
import { parseApiServerOptions } from "./options.js";

const rangesOf = (...argv: string[]) =>
  parseApiServerOptions(["--data-dir", "/nowhere", ...argv]).serviceClusterIpRange;

test("Services get addresses of both families, IPv4 first, unless told otherwise", () => {
  expect(rangesOf()).toEqual(["10.96.0.0/12", "fd00:10:96::/112"]);
});

test.each([
  ["10.0.0.0/16", ["10.0.0.0/16"]],
  ["fd00:1::/112,10.0.0.0/16", ["fd00:1::/112", "10.0.0.0/16"]],
  ["10.0.5.7/16, FD00:1::/112", ["10.0.0.0/16", "fd00:1::/112"]],
])("--service-cluster-ip-range %s", (text, ranges) => {
  expect(rangesOf("--service-cluster-ip-range", text)).toEqual(ranges);
});

import { expect, test } from "@jest/globals";
import { parseKubeletOptions } from "./options.js";

const parse = (...argv: string[]) => parseKubeletOptions(["--kubeconfig", "admin.kubeconfig", ...argv]);

test("three nodes are run unless told otherwise, and none when asked for none", () => {
  expect(parse().nodes.map(({ name }) => name)).toEqual(["node-1", "node-2", "node-3"]);
  expect(parse("--nodes", "0").nodes).toEqual([]);
});

test("zones are given out round robin", () => {
  expect(parse("--zones", "2").nodes.map(({ zone }) => zone)).toEqual(["zone-a", "zone-b", "zone-a"]);
});

import { expect, test } from "@jest/globals";
import {
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isLabelValue,
  isPortName,
  isQualifiedName,
} from "./names.js";

const RULES: [string, (text: string) => string[], string[], string[]][] = [
  ["a label", isDns1123Label, ["a", "0-9", "x".repeat(63)], ["", "A", "a.b", "-a", "a-", "x".repeat(64)]],
  ["a subdomain", isDns1123Subdomain, ["a.b-c.d", "0"], ["", "a..b", ".a", "a_b", "x".repeat(254)]],
  ["a Service's name", isDns1035Label, ["a", "a-1"], ["1a", "a.b", "A"]],
  [
    "a qualified name",
    isQualifiedName,
    ["a", "A_b.c", "example.com/Name"],
    ["", "/a", "a/", "a/b/c", "Up.com/a", "a b"],
  ],
  ["a label's value", isLabelValue, ["", "A-b_c.d"], ["-", "a b", "x".repeat(64)]],
  ["a port's name", isPortName, ["http", "a-1"], ["", "1", "a--b", "-a", "sixteen-letters-"]],
  ["an environment variable", isEnvVarName, ["A", "a.b-c", "with space"], ["", "A=B", "é"]],
  ["a key of a ConfigMap", isConfigMapKey, ["a.b", "_A-1", "..."], ["", ".", "..", "..a", "a/b"]],
];

test.each(RULES)("%s is told from what is none", (_title, rule, good, bad) => {
  for (const text of good) if (text !== "...") expect([text, rule(text)]).toEqual([text, []]);
  for (const text of bad) expect([text, rule(text).length > 0]).toEqual([text, true]);
});

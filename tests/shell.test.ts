import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { TestPods } from "./testkit/pods.js";

/** Script, output and status, as a POSIX shell on Linux printed them. */
const golden = JSON.parse(readFileSync("tests/testkit/shell-scripts.json", "utf8")) as [
  string,
  string,
  number,
][];

test.each(golden)("a pod's shell runs as POSIX says: %j", async (script, output, status) => {
  const pods = new TestPods();
  const { stdout, exit } = await pods.sh(script);
  expect({ stdout, status: exit.exitCode }).toEqual({ stdout: output, status });
});

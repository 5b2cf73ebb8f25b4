import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { jsonLogger } from "./json-logger.js";

const written: string[] = [];
const original = process.stderr.write.bind(process.stderr);

beforeEach(() => {
  written.length = 0;
  process.stderr.write = (text: string | Uint8Array) => written.push(String(text)) > 0;
});
afterEach(() => {
  process.stderr.write = original;
});

const records = (): Record<string, unknown>[] =>
  written.map((line) => JSON.parse(line) as Record<string, unknown>);

test("a record is one line of JSON with level, time, the logger's keys, its own and the message", () => {
  jsonLogger({ component: "proxy" }).child({ node: "node-1" }).warn("Skipped a slice", { slice: "a/b" });
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(
    /^\{"level":"warn","time":"[^"]+Z","component":"proxy","node":"node-1","slice":"a\/b","msg":"Skipped a slice"\}\n$/,
  );
});

test("records below the level are not written, and info is the default", () => {
  const logger = jsonLogger({});
  logger.debug("hidden");
  logger.info("shown");
  const quiet = jsonLogger({}, "error");
  quiet.warn("hidden");
  quiet.error("shown");
  expect(records().map(({ level, msg }) => [level, msg])).toEqual([
    ["info", "shown"],
    ["error", "shown"],
  ]);
});

test("an error is told with its type, message, stack and cause", () => {
  const err = new RangeError("outer", { cause: new TypeError("inner") });
  jsonLogger({}).error("Failed", { err });
  expect(records()[0]).toMatchObject({
    err: { type: "RangeError", message: "outer", cause: { type: "TypeError", message: "inner" } },
  });
  expect(records()[0]?.err).toHaveProperty("stack");
});

test("what JSON cannot hold does not break the log", () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  jsonLogger({}).info("Looped", { loop });
  jsonLogger({}).info("Counted", { count: 10n });
  expect(records()[0]).toMatchObject({ msg: "Looped" });
  expect(records()[1]).toMatchObject({ count: "10" });
});

test("a full disk costs log lines, not the process", () => {
  jsonLogger({});
  jsonLogger({});

  expect(() => process.stderr.emit("error", new Error("ENOSPC: no space left on device"))).not.toThrow();
  expect(process.stderr.listenerCount("error")).toBe(1);
});

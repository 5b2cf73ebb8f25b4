import { expect, test } from "@jest/globals";
import type { ContainerLog, LogLine } from "../container-runtime.js";
import { type LogOptions, parseLogOptions, readContainerLog } from "./container-logs.js";

const START_MS = Date.UTC(2026, 2, 1);
const line = (text: string, second: number, complete = true): LogLine => ({
  atMs: START_MS + second * 1000,
  stream: "stdout",
  text: Buffer.from(text),
  complete,
});
const log = (lines: LogLine[]): ContainerLog => ({
  async *read() {
    yield* lines;
  },
});
const lines = [line("one", 1), line("two ", 2, false), line("halves", 3), line("last", 4, false)];

async function printed(options: Partial<LogOptions>): Promise<string> {
  let text = "";
  const all = { follow: false, timestamps: false, ...options };
  for await (const chunk of readContainerLog(log(lines), all, new AbortController().signal))
    text += Buffer.from(chunk).toString();
  return text;
}

test("a log is printed as it was written, without a newline that was not there", async () => {
  expect(await printed({})).toBe("one\ntwo halves\nlast");
});

test("the tail counts whole lines", async () => {
  expect(await printed({ tailLines: 2 })).toBe("two halves\nlast");
  expect(await printed({ tailLines: 0 })).toBe("");
  expect(await printed({ tailLines: 9 })).toBe("one\ntwo halves\nlast");
});

test("timestamps stand once in front of each line", async () => {
  expect(await printed({ timestamps: true, tailLines: 2 })).toBe(
    "2026-03-01T00:00:02.000000000Z two halves\n2026-03-01T00:00:04.000000000Z last",
  );
});

test("bytes are limited, and lines before sinceTime are left out", async () => {
  expect(await printed({ limitBytes: 5 })).toBe("one\nt");
  expect(await printed({ sinceMs: START_MS + 2500 })).toBe("halves\nlast");
});

test("the query of the API server is understood", () => {
  const query = new URLSearchParams("follow=true&tailLines=5&sinceSeconds=10&timestamps=true&limitBytes=7");
  expect(parseLogOptions(query, 20_000)).toEqual({
    follow: true,
    timestamps: true,
    tailLines: 5,
    limitBytes: 7,
    sinceMs: 10_000,
  });
});

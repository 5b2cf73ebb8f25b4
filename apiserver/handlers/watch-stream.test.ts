import { expect, test } from "@jest/globals";
import { WATCH_BUFFER_FRAMES, WatchStream } from "./watch-stream.js";

const frame = (text: string): Uint8Array => Buffer.from(text);
const text = async (stream: WatchStream): Promise<string | undefined> => {
  const { done, value } = await stream.next();
  return done ? undefined : Buffer.from(value).toString();
};

test("a watcher gets what was there first, then what comes, in order", async () => {
  const stream = new WatchStream([frame("a"), frame("b")], () => undefined);
  stream.push(frame("c"));
  expect(await text(stream)).toBe("abc");
  const waiting = text(stream);
  stream.push(frame("d"));
  expect(await waiting).toBe("d");
});

test("a watcher that falls too far behind is ended, never fed with gaps", async () => {
  let ended = 0;
  const stream = new WatchStream([], () => ended++);
  for (let i = 0; i < WATCH_BUFFER_FRAMES; i++) expect(stream.push(frame("x"))).toBe(true);
  expect(stream.push(frame("x"))).toBe(false);
  expect(ended).toBe(1);
  expect(await text(stream)).toBeUndefined();
});

test("an ended stream still delivers what waits; a reader that leaves stops it", async () => {
  const stream = new WatchStream([], () => undefined);
  stream.push(frame("last"));
  stream.end();
  expect(await text(stream)).toBe("last");
  expect(await text(stream)).toBeUndefined();

  let ended = 0;
  const left = new WatchStream([frame("x")], () => ended++);
  await left.return();
  expect(ended).toBe(1);
  expect(left.push(frame("y"))).toBe(false);
});

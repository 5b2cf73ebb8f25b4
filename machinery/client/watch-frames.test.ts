import { expect, test } from "@jest/globals";
import { decodeWatchEvents } from "./watch-frames.js";

async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, "utf8");
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const event = (name: string) => ({ type: "ADDED" as const, object: { metadata: { name } } });

test("watch events are the same however the bytes are cut, inside a character too", async () => {
  const events = [event("web"), event("Grüße-🚀"), event("last")];
  const text = events.map((one) => `${JSON.stringify(one)}\n`).join("");
  for (const size of [1, 2, 3, 7, 64, 10_000]) {
    const decoded = [];
    for await (const one of decodeWatchEvents(chunksOf(text, size))) decoded.push(one);
    expect(decoded).toEqual(events);
  }
});

test("an event cut off by the end of the stream is not delivered", async () => {
  const text = `${JSON.stringify(event("whole"))}\n${JSON.stringify(event("cut")).slice(0, 20)}`;
  const decoded = [];
  for await (const one of decodeWatchEvents(chunksOf(text, 16))) decoded.push(one);
  expect(decoded).toEqual([event("whole")]);
});

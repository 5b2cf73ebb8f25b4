import type { WatchEvent } from "../api/meta-v1.js";

const NEWLINE = 0x0a;
/** The largest single object that etcd-sized servers store is 1.5 MiB; this leaves room and still bounds memory. */
const LARGEST_FRAME_BYTES = 64 * 1024 * 1024;

/** Splits a body of JSON lines into lines as bytes arrive. A last line without newline (a cut stream) is dropped. */
export async function* decodeLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let partial: Uint8Array[] = [];
  let partialBytes = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      const line = partial.length === 0 ? piece : Buffer.concat([...partial, piece]);
      partial = [];
      partialBytes = 0;
      start = end + 1;
      if (line.length > 0) yield Buffer.from(line.buffer, line.byteOffset, line.length).toString("utf8");
    }
    if (start < chunk.length) {
      partial.push(chunk.subarray(start));
      partialBytes += chunk.length - start;
      if (partialBytes > LARGEST_FRAME_BYTES) throw new RangeError("watch frame too large");
    }
  }
}

/** Watch events of a watch body, decoded one at a time as they arrive. */
export async function* decodeWatchEvents<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent<T>> {
  for await (const line of decodeLines(body)) yield JSON.parse(line) as WatchEvent<T>;
}

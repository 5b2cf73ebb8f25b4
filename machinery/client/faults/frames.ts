const NEWLINE = 0x0a;

/** A body of JSON lines, one line (with its newline) at a time. A last line that is not finished is dropped. */
export async function* splitFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let partial: Uint8Array | undefined;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end + 1);
      yield partial ? Buffer.concat([partial, piece]) : piece;
      partial = undefined;
      start = end + 1;
    }
    if (start < chunk.length) {
      const rest = chunk.subarray(start);
      partial = partial ? Buffer.concat([partial, rest]) : rest;
    }
  }
}

const BOOKMARK = Buffer.from('{"type":"BOOKMARK"');

export const isBookmark = (frame: Uint8Array): boolean =>
  frame.length > BOOKMARK.length && BOOKMARK.equals(frame.subarray(0, BOOKMARK.length));

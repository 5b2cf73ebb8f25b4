import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { readLengthPrefixed } from "./length-prefixed.js";

/** A connection that hands over bytes in pieces, then ends. */
function pieces(bytes: Uint8Array, cuts: readonly number[]) {
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  let at = 0;
  return {
    read: async (): Promise<Uint8Array | undefined> => {
      const end = ends.shift();
      if (end === undefined) return undefined;
      const piece = bytes.subarray(at, end);
      at = end;
      return piece;
    },
  };
}

test("messages come out as they were framed, however the stream is cut", async () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      messages,
      fc.array(fc.nat()),
      fc.uint8Array({ maxLength: 1 }),
      async (bodies, cuts, tail) => {
        const framed = bodies.flatMap((body) => [body.length >> 8, body.length & 0xff, ...body]);
        const connection = pieces(Uint8Array.from([...framed, ...tail]), cuts);
        const rest = { bytes: new Uint8Array() };
        for (const body of bodies) {
          const message = await readLengthPrefixed(connection, rest);
          expect([...(message ?? [])].slice(2)).toEqual([...body]);
        }
        expect(await readLengthPrefixed(connection, rest)).toBeUndefined();
      },
    ),
    { numRuns: 300, seed: 20_260_103 },
  );
});

test("the longest message, byte by byte, costs no more than its length", async () => {
  const bytes = new Uint8Array(65_537).fill(0xff, 0, 2);
  const connection = pieces(
    bytes,
    Array.from({ length: bytes.length }, (_, i) => i),
  );
  expect(await readLengthPrefixed(connection)).toHaveLength(65_537);
});

import { expect, test } from "@jest/globals";
import { ResponseReader } from "./response-reader.js";

/** Feeds the text in pieces of every size; answers what was read, in order. */
function readInPieces(text: string, size: number): { status: number; bodyBytes: number }[] {
  const reader = new ResponseReader();
  const bytes = Buffer.from(text);
  const found = [];
  for (let at = 0; at < bytes.length; at += size) {
    const response = reader.push(bytes.subarray(at, at + size));
    if (response) found.push({ status: response.status, bodyBytes: response.bodyBytes });
  }
  return found;
}

const SIZES = [1, 2, 3, 7, 16, 1000];

test("an answer of known length ends where its length says, however it is cut", () => {
  const text = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
  for (const size of SIZES) expect(readInPieces(text, size)).toEqual([{ status: 201, bodyBytes: 5 }]);
});

test("a chunked answer ends after its last chunk and counts the body without framing", () => {
  const text =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n and\r\n more\r\n0\r\n\r\n";
  for (const size of SIZES) expect(readInPieces(text, size)).toEqual([{ status: 200, bodyBytes: 16 }]);
});

test("a connection's answers are read one after another", () => {
  const reader = new ResponseReader();
  const answer = (status: number): Buffer =>
    Buffer.from(`HTTP/1.1 ${status} X\r\ncontent-length: 2\r\n\r\n{}`);
  expect([200, 404, 409].map((status) => reader.push(answer(status))?.status)).toEqual([200, 404, 409]);
});

test("an answer without a body is complete with its head, and a failure keeps its text", () => {
  const reader = new ResponseReader();
  expect(reader.push(Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))?.bodyBytes).toBe(0);
  const failure = reader.push(Buffer.from("HTTP/1.1 422 No\r\ncontent-length: 7\r\n\r\ninvalid"));
  expect(failure?.text).toBe("invalid");
});

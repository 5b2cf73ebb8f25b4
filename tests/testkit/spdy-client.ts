import type { MessageStream } from "../../machinery/api/http.js";
import { HeaderReader, HeaderWriter } from "../../kubelet-sim/server/spdy-headers.js";

/** What a server sent: a control frame by its type, or data. */
export interface SpdyFrame {
  type: "data" | "reply" | "reset" | "ping" | "go away" | "other";
  id: number;
  bytes: Buffer;
  fin: boolean;
}

const TYPES: Readonly<Record<number, SpdyFrame["type"]>> = {
  2: "reply",
  3: "reset",
  6: "ping",
  7: "go away",
};

/** As much of kubectl's side of SPDY/3.1 as a test needs. */
export class SpdyClient {
  readonly wire: MessageStream;
  readonly #headers = new HeaderWriter();
  readonly #replies = new HeaderReader();
  #received: Buffer = Buffer.alloc(0);

  constructor(wire: MessageStream) {
    this.wire = wire;
  }

  open(id: number, headers: Record<string, string>, flags = 0): Promise<void> {
    const body = Buffer.concat([Buffer.alloc(10), this.#headers.write(new Map(Object.entries(headers)))]);
    body.writeUInt32BE(id, 0);
    return this.control(1, body, flags);
  }

  data(id: number, bytes: string | Uint8Array, fin = false): Promise<void> {
    return this.#frame(id, fin ? 1 : 0, Buffer.from(bytes));
  }

  control(type: number, body: Uint8Array, flags = 0): Promise<void> {
    return this.#frame((0x80030000 | type) >>> 0, flags, body);
  }

  /** The next frame; undefined when the server has closed. Throws on a header block that cannot be read. */
  async next(): Promise<SpdyFrame | undefined> {
    while (this.#received.length < 8 || this.#received.length < 8 + this.#received.readUIntBE(5, 3)) {
      const bytes = await this.wire.read();
      if (!bytes) return undefined;
      this.#received = Buffer.concat([this.#received, bytes]);
    }
    const first = this.#received.readUInt32BE(0);
    const end = 8 + this.#received.readUIntBE(5, 3);
    const bytes = this.#received.subarray(8, end);
    const fin = this.#received[4] === 1;
    this.#received = this.#received.subarray(end);
    if (first < 0x80000000) return { type: "data", id: first, bytes, fin };
    const type = TYPES[first & 0xffff] ?? "other";
    if (type === "reply") this.#replies.read(bytes.subarray(4));
    return { type, id: bytes.readUInt32BE(0), bytes, fin };
  }

  /** Everything until the server closes. */
  async all(): Promise<SpdyFrame[]> {
    const frames: SpdyFrame[] = [];
    for (let frame = await this.next(); frame; frame = await this.next()) frames.push(frame);
    return frames;
  }

  #frame(first: number, flags: number, body: Uint8Array): Promise<void> {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(first, 0);
    head.writeUInt32BE(body.length, 4);
    head[4] = flags;
    return this.wire.write(Buffer.concat([head, body]));
  }
}

/** The text of one stream. */
export const textOf = (frames: readonly SpdyFrame[], id: number): string =>
  Buffer.concat(
    frames.filter((frame) => frame.type === "data" && frame.id === id).map(({ bytes }) => bytes),
  ).toString();

import type { MessageStream } from "../../machinery/api/http.js";
import { HeaderReader, HeaderWriter } from "./spdy-headers.js";
import { ServerStream, type SpdyStream } from "./spdy-stream.js";

/** Control frames of draft 3; SETTINGS, WINDOW_UPDATE and CREDENTIAL are read and pass without effect. */
const FRAME = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, headers: 8 } as const;
const VERSION = 3;
const FLAG_FIN = 1;
const FLAG_UNIDIRECTIONAL = 2;
const HEADER_BYTES = 8;
const LARGEST_FRAME_BYTES = 1024 * 1024;
/**
 * Unread bytes of all streams at which the session is no longer read. The Go library of clients and kubelets keeps no
 * flow control windows (it neither sends nor heeds WINDOW_UPDATE), so the connection is what holds a sender back.
 */
const MOST_UNREAD_BYTES = 1024 * 1024;
const MOST_STREAMS = 2048;
const STATUS = { protocolError: 1, invalidStream: 2, refused: 3, cancel: 5 } as const;
const GO_AWAY = { ok: 0, protocolError: 1 } as const;
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** Whoever uses the streams that a client opens. */
export interface StreamHandler {
  /** Whether the stream is wanted; one that is not is reset. */
  accepts(headers: ReadonlyMap<string, string>): boolean;
  /** The client knows by now that the stream is open. */
  opened(stream: SpdyStream): void;
}

/** The server's side of SPDY/3.1 over a stream of bytes: what exec, attach and port-forward need of it. */
export class SpdySession {
  readonly #wire: MessageStream;
  readonly #streamHandler: StreamHandler;
  readonly #streams = new Map<number, ServerStream>();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  #received: Buffer = Buffer.alloc(0);
  #lastId = 0;
  #unreadBytes = 0;
  #leaving = false;
  #isClosed = false;
  #hasRoom: (() => void) | undefined;

  constructor(wire: MessageStream, streamHandler: StreamHandler) {
    this.#wire = wire;
    this.#streamHandler = streamHandler;
    const onClose = (): void => {
      // A reader that never comes must not keep the session from seeing its end.
      this.#isClosed = true;
      this.#hasRoom?.();
    };
    wire.closed.then(onClose, onClose);
  }

  /** Until the client closes, or sends what cannot be understood. */
  async run(): Promise<void> {
    try {
      for (let bytes = await this.#wire.read(); bytes; bytes = await this.#wire.read()) {
        this.#received = Buffer.concat([this.#received, bytes]);
        for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) await this.#take(frame);
      }
    } catch {
      await this.close(GO_AWAY.protocolError).catch(() => {});
    } finally {
      this.#leaving = true;
      for (const stream of this.#streams.values()) stream.finish();
    }
  }

  /** Says so and closes; what was written before still arrives. */
  async close(reason: number = GO_AWAY.ok): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    try {
      await this.#wire.write(controlFrame(FRAME.goAway, twoNumbers(this.#lastId, reason)));
    } finally {
      this.#wire.close(1000);
    }
  }

  #nextFrame(): Buffer | undefined {
    if (this.#received.length < HEADER_BYTES) return undefined;
    const length = this.#received.readUInt32BE(4) & 0xffffff;
    if (length > LARGEST_FRAME_BYTES) throw new RangeError("frame too large");
    if (this.#received.length < HEADER_BYTES + length) return undefined;
    const frame = this.#received.subarray(0, HEADER_BYTES + length);
    this.#received = this.#received.subarray(HEADER_BYTES + length);
    return frame;
  }

  async #take(frame: Buffer): Promise<void> {
    const first = frame.readUInt32BE(0);
    const flags = frame[4] ?? 0;
    const body = frame.subarray(HEADER_BYTES);
    if (first < 0x80000000) return this.#data(first, body, (flags & FLAG_FIN) !== 0);
    if (((first >>> 16) & 0x7fff) !== VERSION) throw new RangeError("not SPDY/3");
    switch (first & 0xffff) {
      case FRAME.synStream:
        return this.#open(body, flags);
      case FRAME.rstStream:
        this.#streams.get(idIn(body))?.finish();
        return;
      case FRAME.ping:
        // The client's pings are odd; an even one would be the answer to one of ours.
        if (body.readUInt32BE(0) % 2 === 1) await this.#wire.write(frame);
        return;
      case FRAME.goAway:
        this.#leaving = true;
        return;
      case FRAME.synReply:
      case FRAME.headers:
        // Of no use here, but all header blocks share one compression.
        this.#headerReader.read(body.subarray(4));
        return;
      default:
        return;
    }
  }

  async #data(id: number, bytes: Buffer, last: boolean): Promise<void> {
    const stream = this.#streams.get(id);
    // Bytes for a stream that has ended here were under way when it did.
    if (!stream) return id > this.#lastId || id === 0 ? this.#reset(id, STATUS.invalidStream) : undefined;
    stream.arrive(bytes, last);
    while (this.#unreadBytes > MOST_UNREAD_BYTES && !this.#isClosed)
      await new Promise<void>((resolve) => {
        this.#hasRoom = resolve;
      });
  }

  async #open(body: Buffer, flags: number): Promise<void> {
    const id = idIn(body);
    const headers = this.#headerReader.read(body.subarray(10));
    if (id % 2 === 0 || id <= this.#lastId) return this.#reset(id, STATUS.protocolError);
    this.#lastId = id;
    if (!this.#streamHandler.accepts(headers)) return this.#reset(id, STATUS.cancel);
    if (this.#leaving || this.#streams.size >= MOST_STREAMS) return this.#reset(id, STATUS.refused);
    const stream = new ServerStream(id, headers, {
      data: (to, bytes, last) => this.#wire.write(dataFrame(to, bytes, last)),
      unread: (count) => this.#count(count),
      gone: (gone) => this.#streams.delete(gone),
    });
    this.#streams.set(id, stream);
    if ((flags & FLAG_UNIDIRECTIONAL) !== 0) stream.makeUnidirectional();
    if ((flags & FLAG_FIN) !== 0) stream.arrive(Buffer.alloc(0), true);
    const streamId = Buffer.alloc(4);
    streamId.writeUInt32BE(id);
    const reply = Buffer.concat([streamId, this.#headerWriter.write(NO_HEADERS)]);
    await this.#wire.write(controlFrame(FRAME.synReply, reply));
    this.#streamHandler.opened(stream);
  }

  #count(bytes: number): void {
    this.#unreadBytes += bytes;
    if (this.#unreadBytes <= MOST_UNREAD_BYTES) this.#hasRoom?.();
  }

  #reset(id: number, status: number): Promise<void> {
    return this.#wire.write(controlFrame(FRAME.rstStream, twoNumbers(id, status)));
  }
}

/** Throws RangeError on a frame that is too short for it. */
const idIn = (body: Buffer): number => body.readUInt32BE(0) & 0x7fffffff;

function twoNumbers(first: number, second: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(first, 0);
  body.writeUInt32BE(second, 4);
  return body;
}

function controlFrame(type: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt32BE((0x80000000 | (VERSION << 16) | type) >>> 0, 0);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

function dataFrame(id: number, bytes: Uint8Array, last: boolean): Uint8Array {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(bytes.length, 4);
  if (last) head[4] = FLAG_FIN;
  return Buffer.concat([head, bytes]);
}

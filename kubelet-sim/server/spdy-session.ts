import type { MessageStream } from "../../machinery/api/http.js";
import { HeaderReader, HeaderWriter } from "./spdy-headers.js";

const FRAME = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const FLAG_FIN = 1;
const HEADER_BYTES = 8;
const LARGEST_FRAME_BYTES = 1024 * 1024;
const LARGEST_DATA_BYTES = 32 * 1024;
/** Unread bytes of one stream at which the whole session is no longer read: SPDY as Kubernetes uses it has no windows. */
const UNREAD_BYTES = 1024 * 1024;
const MOST_STREAMS = 2048;
const STATUS_REFUSED = 3;
const STATUS_CANCEL = 5;
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** One stream that the client opened. */
export interface SpdyStream {
  readonly headers: ReadonlyMap<string, string>;
  /** Next bytes, or undefined at the client's end of stream. */
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** The server's side of SPDY/3.1 over a stream of bytes, as far as port-forward needs it. */
export class SpdySession {
  readonly #wire: MessageStream;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, ServerStream>();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  #received: Buffer = Buffer.alloc(0);

  constructor(wire: MessageStream, onStream: (stream: SpdyStream) => void) {
    this.#wire = wire;
    this.#onStream = onStream;
  }

  /** Until the client closes, or sends what cannot be understood. */
  async run(): Promise<void> {
    try {
      for (let bytes = await this.#wire.read(); bytes; bytes = await this.#wire.read()) {
        this.#received = Buffer.concat([this.#received, bytes]);
        for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) await this.#take(frame);
      }
    } catch {
      this.#wire.close(1002);
    } finally {
      for (const stream of this.#streams.values()) stream.finish();
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
    const fin = ((frame[4] ?? 0) & FLAG_FIN) !== 0;
    const body = frame.subarray(HEADER_BYTES);
    if (first < 0x80000000) return this.#streams.get(first)?.arrive(body, fin);
    switch (first & 0xffff) {
      case FRAME.synStream:
        return this.#open(body, fin);
      case FRAME.rstStream:
        this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.finish();
        return;
      case FRAME.ping:
        // The client's pings are odd; an even one would be the answer to one of ours.
        if (body.readUInt32BE(0) % 2 === 1) await this.#wire.write(frame);
        return;
      default:
        return;
    }
  }

  async #open(body: Buffer, fin: boolean): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = this.#headerReader.read(body.subarray(10));
    if (this.#streams.size >= MOST_STREAMS) return this.#reset(id, STATUS_REFUSED);
    const stream = new ServerStream(headers, {
      data: (bytes, last) => this.#wire.write(dataFrame(id, bytes, last)),
      cancel: () => this.#reset(id, STATUS_CANCEL),
      gone: () => this.#streams.delete(id),
    });
    this.#streams.set(id, stream);
    const streamId = Buffer.alloc(4);
    streamId.writeUInt32BE(id);
    const reply = Buffer.concat([streamId, this.#headerWriter.write(NO_HEADERS)]);
    await this.#wire.write(controlFrame(FRAME.synReply, reply));
    if (fin) await stream.arrive(Buffer.alloc(0), true);
    this.#onStream(stream);
  }

  async #reset(id: number, status: number): Promise<void> {
    const body = Buffer.alloc(8);
    body.writeUInt32BE(id, 0);
    body.writeUInt32BE(status, 4);
    await this.#wire.write(controlFrame(FRAME.rstStream, body));
  }
}

interface StreamWire {
  data(bytes: Uint8Array, last: boolean): Promise<void>;
  cancel(): Promise<void>;
  gone(): void;
}

class ServerStream implements SpdyStream {
  readonly headers: ReadonlyMap<string, string>;
  readonly #wire: StreamWire;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #remoteEnded = false;
  #localEnded = false;
  #changed: (() => void)[] = [];

  constructor(headers: ReadonlyMap<string, string>, wire: StreamWire) {
    this.headers = headers;
    this.#wire = wire;
  }

  async arrive(bytes: Uint8Array, last: boolean): Promise<void> {
    if (this.#remoteEnded) return;
    if (bytes.length > 0) this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (last) this.#remoteEnd();
    this.#wake();
    while (this.#queuedBytes > UNREAD_BYTES && !this.#localEnded) await this.#change();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.#remoteEnded) return undefined;
      await this.#change();
    }
    const bytes = this.#queue.shift();
    this.#queuedBytes -= bytes?.length ?? 0;
    this.#wake();
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#localEnded; at += LARGEST_DATA_BYTES)
      await this.#wire.data(bytes.subarray(at, at + LARGEST_DATA_BYTES), false);
  }

  async end(): Promise<void> {
    if (this.#localEnded) return;
    this.#localEnded = true;
    this.#wake();
    await this.#wire.data(new Uint8Array(), true);
    if (this.#remoteEnded) this.#wire.gone();
  }

  /** Nothing more comes or goes. */
  finish(): void {
    this.#localEnded = true;
    this.#remoteEnd();
    this.#wake();
  }

  #remoteEnd(): void {
    this.#remoteEnded = true;
    if (this.#localEnded) this.#wire.gone();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}

function controlFrame(type: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt32BE((0x80030000 | type) >>> 0, 0);
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

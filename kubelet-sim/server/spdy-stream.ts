/** One stream that the client opened. */
export interface SpdyStream {
  readonly id: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Next bytes, or undefined at the client's end of stream. */
  read(): Promise<Uint8Array | undefined>;
  /** Bytes after `end` are dropped. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close. */
  end(): Promise<void>;
  /** Forgets the stream: nothing more comes or goes. */
  finish(): void;
}

/** What a stream needs of its session. */
export interface StreamSession {
  data(id: number, bytes: Uint8Array, last: boolean): Promise<void>;
  /** Unread bytes of all streams changed by `count`. */
  unread(count: number): void;
  gone(id: number): void;
}

const LARGEST_DATA_BYTES = 32 * 1024;

export class ServerStream implements SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #session: StreamSession;
  readonly #queue: Uint8Array[] = [];
  #remoteEnded = false;
  #localEnded = false;
  #changed: (() => void) | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, session: StreamSession) {
    this.id = id;
    this.headers = headers;
    this.#session = session;
  }

  /** Of a stream that the client opened for its own bytes only: ends this side without a word. */
  makeUnidirectional(): void {
    this.#localEnded = true;
  }

  arrive(bytes: Uint8Array, last: boolean): void {
    if (this.#remoteEnded) return;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#session.unread(bytes.length);
    }
    if (last) this.#endRemote();
    this.#wake();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.#remoteEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    const bytes = this.#queue.shift();
    this.#session.unread(-(bytes?.length ?? 0));
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#localEnded; at += LARGEST_DATA_BYTES)
      await this.#session.data(this.id, bytes.subarray(at, at + LARGEST_DATA_BYTES), false);
  }

  async end(): Promise<void> {
    if (this.#localEnded) return;
    this.#localEnded = true;
    await this.#session.data(this.id, new Uint8Array(), true);
    if (this.#remoteEnded) this.#session.gone(this.id);
  }

  finish(): void {
    this.#localEnded = true;
    for (const bytes of this.#queue.splice(0)) this.#session.unread(-bytes.length);
    this.#endRemote();
    this.#wake();
  }

  #endRemote(): void {
    this.#remoteEnded = true;
    if (this.#localEnded) this.#session.gone(this.id);
  }

  #wake(): void {
    this.#changed?.();
    this.#changed = undefined;
  }
}

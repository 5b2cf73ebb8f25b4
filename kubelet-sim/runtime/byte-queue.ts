/** Chunks in order, read in pieces. Copies nothing. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
  }

  unshift(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.splice(0, this.#head, bytes);
    this.#head = 0;
    this.#sizeBytes += bytes.length;
  }

  /** The first chunk, or its first `limit` bytes. Undefined when empty. */
  take(limit: number = Infinity): Uint8Array | undefined {
    const first = this.#chunks[this.#head];
    if (first === undefined) return undefined;
    if (first.length > limit) {
      this.#chunks[this.#head] = first.subarray(limit);
      this.#sizeBytes -= limit;
      return first.subarray(0, limit);
    }
    this.#head++;
    this.#sizeBytes -= first.length;
    if (this.#head === this.#chunks.length || this.#head > 64) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}

export const toBytes = (content: Uint8Array | string): Uint8Array =>
  typeof content === "string" ? Buffer.from(content, "utf8") : content;

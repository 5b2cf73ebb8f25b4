/** All streams that do not end by themselves, so that a stopping server can end them. */
export class OpenWatches {
  readonly #ends = new Set<() => void>();
  #stopped = false;

  get count(): number {
    return this.#ends.size;
  }

  /** Registers how to end a stream; ends it at once when the server is stopping. Call the answer when it has ended. */
  add(end: () => void): () => void {
    if (this.#stopped) end();
    else this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}

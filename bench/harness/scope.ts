/** Owns what a benchmark starts: everything deferred here is ended, last first, when the scope closes. */
export class Scope {
  readonly #endings: (() => Promise<void> | void)[] = [];
  #closed: Promise<void> | undefined;

  defer(end: () => Promise<void> | void): void {
    this.#endings.push(end);
  }

  /** Never rejects: a failure to end one thing must not keep the others running. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (const end of this.#endings.reverse()) {
      try {
        await end();
      } catch (err) {
        process.stderr.write(`bench: could not clean up: ${String(err)}\n`);
      }
    }
  }
}

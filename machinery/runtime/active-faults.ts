/** Faults of one kind that act now, and a way to wait until that changes. */
export class ActiveFaults<T> {
  readonly #active = new Set<T>();
  readonly #listeners = new Set<() => void>();

  /** Adds one; the answer takes it away. */
  add(fault: T): () => void {
    this.#active.add(fault);
    this.#tell();
    return () => {
      this.#active.delete(fault);
      this.#tell();
    };
  }

  get none(): boolean {
    return this.#active.size === 0;
  }

  find(matches: (fault: T) => boolean): T | undefined {
    for (const fault of this.#active) if (matches(fault)) return fault;
    return undefined;
  }

  /** Calls `listen` after every change, until the answer is called. */
  onChange(listen: () => void): () => void {
    this.#listeners.add(listen);
    return () => this.#listeners.delete(listen);
  }

  #tell(): void {
    for (const listen of this.#listeners) listen();
  }
}

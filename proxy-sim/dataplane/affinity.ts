const MOST_ENTRIES = 16_384;

interface Entry {
  backend: string;
  lastUsedMs: number;
}

/** `sessionAffinity: ClientIP` on one node: which backend a client used last. Bounded; the longest unused goes first. */
export class AffinityTable {
  readonly #entries = new Map<string, Entry>();

  /** The backend's key while the entry is fresh. */
  lookup(servicePort: string, clientIp: string, timeoutSeconds: number, nowMs: number): string | undefined {
    const key = `${servicePort} ${clientIp}`;
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (nowMs - entry.lastUsedMs < timeoutSeconds * 1000) return entry.backend;
    this.#entries.delete(key);
    return undefined;
  }

  remember(servicePort: string, clientIp: string, backend: string, nowMs: number): void {
    const key = `${servicePort} ${clientIp}`;
    this.#entries.delete(key);
    this.#entries.set(key, { backend, lastUsedMs: nowMs });
    if (this.#entries.size > MOST_ENTRIES)
      for (const oldest of this.#entries.keys()) return void this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }
}

import type { Deliver, StorageEvent } from "./storage.js";

interface Watcher {
  readonly deliver: Deliver;
  /** Under which its events are counted: `/registry/apps/deployments`. */
  readonly kind: string;
  active: boolean;
}

/** Live watches by prefix: a commit costs its events times the depth of their keys, not the number of watches. */
export class WatchHub {
  readonly #byPrefix = new Map<string, Set<Watcher>>();
  /** Prefixes that do not end where a part of a key ends: these are tried one by one. */
  readonly #uneven = new Set<string>();
  /** Events handed to watches so far, by the first three parts of the watches' prefixes. */
  readonly delivered = new Map<string, number>();

  get size(): number {
    let size = 0;
    for (const watchers of this.#byPrefix.values()) size += watchers.size;
    return size;
  }

  add(prefix: string, deliver: Deliver): { stop(): void } {
    const watcher: Watcher = { deliver, kind: prefix.split("/", 4).join("/"), active: true };
    const watchers = this.#byPrefix.get(prefix) ?? new Set();
    watchers.add(watcher);
    this.#byPrefix.set(prefix, watchers);
    if (prefix !== "" && !prefix.endsWith("/")) this.#uneven.add(prefix);
    return {
      stop: () => {
        watcher.active = false;
        watchers.delete(watcher);
        if (watchers.size > 0 || this.#byPrefix.get(prefix) !== watchers) return;
        this.#byPrefix.delete(prefix);
        this.#uneven.delete(prefix);
      },
    };
  }

  /** Hands each watch its part of one commit. Watches that start meanwhile see nothing of it. */
  publish(events: readonly StorageEvent[]): void {
    if (this.#byPrefix.size === 0) return;
    const parts = new Map<string, StorageEvent[]>();
    for (const event of events) {
      for (const prefix of this.#prefixesOf(event.item.key)) {
        const part = parts.get(prefix);
        if (part) part.push(event);
        else parts.set(prefix, [event]);
      }
    }
    const deliveries = [...parts].flatMap(([prefix, part]) =>
      [...(this.#byPrefix.get(prefix) ?? [])].map((watcher) => ({ watcher, part })),
    );
    for (const { watcher, part } of deliveries) {
      if (!watcher.active) continue;
      this.delivered.set(watcher.kind, (this.delivered.get(watcher.kind) ?? 0) + part.length);
      watcher.deliver(part);
    }
  }

  clear(): void {
    for (const watchers of this.#byPrefix.values()) for (const watcher of watchers) watcher.active = false;
    this.#byPrefix.clear();
    this.#uneven.clear();
  }

  *#prefixesOf(key: string): Generator<string> {
    if (this.#byPrefix.has("")) yield "";
    for (let at = key.indexOf("/"); at >= 0; at = key.indexOf("/", at + 1)) {
      const prefix = key.slice(0, at + 1);
      if (this.#byPrefix.has(prefix)) yield prefix;
    }
    for (const prefix of this.#uneven) if (key.startsWith(prefix)) yield prefix;
  }
}

import type { HttpResponse, Transport } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";

/** What is listed under each path, serialised once. */
export type Listing = Readonly<Record<string, readonly string[]>>;

const JSON_HEADERS = { "content-type": "application/json" };

/** An API server's answers without an API server: lists in pages, and watches that say what they are told to. */
export class ListedObjects implements Transport {
  readonly #listing: Listing;
  readonly #watchers = new Map<string, Set<(frame: Uint8Array) => void>>();
  #revision = 1;

  constructor(listing: Listing) {
    this.#listing = listing;
  }

  async request({ path: line }: { path: string }, signal?: AbortSignal): Promise<HttpResponse> {
    const [path = "", query] = line.split("?");
    const parameters = new URLSearchParams(query);
    if (parameters.get("watch") === "true")
      return { status: 200, headers: JSON_HEADERS, body: this.#watch(path, signal) };
    const items = this.#listing[path] ?? [];
    const from = Number(parameters.get("continue") ?? 0);
    const limit = Number(parameters.get("limit") ?? items.length) || items.length;
    const next = from + limit < items.length ? `"continue":"${from + limit}",` : "";
    const page = items.slice(from, from + limit).join(",");
    const text = `{"kind":"List","apiVersion":"v1","metadata":{${next}"resourceVersion":"${this.#revision}"},"items":[${page}]}`;
    return { status: 200, headers: JSON_HEADERS, body: Buffer.from(text) };
  }

  upgrade(): never {
    throw new TypeError("nothing here can be upgraded");
  }

  /** Every watch of the path hears of it. */
  modify<T extends KubeObject>(path: string, object: T): void {
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    const frame = Buffer.from(`${JSON.stringify({ type: "MODIFIED", object: { ...object, metadata } })}\n`);
    for (const tell of this.#watchers.get(path) ?? []) tell(frame);
  }

  watching(path: string): number {
    return this.#watchers.get(path)?.size ?? 0;
  }

  async *#watch(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const waiting: Uint8Array[] = [];
    let wake = (): void => {};
    const tell = (frame: Uint8Array): void => {
      waiting.push(frame);
      wake();
    };
    const end = (): void => wake();
    const all = this.#watchers.get(path) ?? new Set();
    this.#watchers.set(path, all.add(tell));
    signal?.addEventListener("abort", end);
    try {
      while (!signal?.aborted) {
        const frame = waiting.shift();
        if (frame) yield frame;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      all.delete(tell);
      signal?.removeEventListener("abort", end);
    }
  }
}

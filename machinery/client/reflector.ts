import type { Clock } from "../api/clock.js";
import { TransportError } from "../api/http.js";
import type { Logger } from "../api/logger.js";
import type { KubeObject, WatchEvent } from "../api/meta-v1.js";
import type { ResourceDescriptor } from "../api/resource.js";
import type { Rng } from "../api/rng.js";
import { isExpired, isNotFound, reasonOf, StatusError } from "../api/status.js";
import { Backoff } from "./backoff.js";
import { Deadline } from "./deadline.js";
import type { RestClient } from "./rest-client.js";

export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Where a reflector puts what it learns, always in the server's order. */
export interface ReflectorSink<T> {
  /** The whole state: whatever is not in `items` is gone. */
  replace(items: T[]): void;
  upsert(object: T): void;
  /** The last state of what was deleted. */
  remove(object: T): void;
}

const PAGE_SIZE = 2000;
/** A server that does not end a watch this long after it should have is no longer there. */
const OVERDUE_SECONDS = 30;

/**
 * Keeps a sink equal to the server: list, then watch from the list's version; resumes a broken watch from the last
 * version seen, relists only when the server no longer has it. Never skips a change.
 */
export class Reflector<T extends KubeObject> {
  readonly #client: RestClient;
  readonly #descriptor: ResourceDescriptor<T>;
  readonly #selection: Selection;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #logger: Logger;
  readonly #sink: ReflectorSink<T>;
  readonly #backoff: Backoff;
  #resourceVersion: string | undefined;

  constructor(options: {
    client: RestClient;
    descriptor: ResourceDescriptor<T>;
    selection?: Selection;
    clock: Clock;
    rng: Rng;
    logger: Logger;
    sink: ReflectorSink<T>;
  }) {
    this.#client = options.client;
    this.#descriptor = options.descriptor;
    this.#selection = options.selection ?? {};
    this.#clock = options.clock;
    this.#rng = options.rng;
    this.#logger = options.logger.child({ resource: options.descriptor.plural });
    this.#sink = options.sink;
    this.#backoff = new Backoff({ clock: options.clock, rng: options.rng, firstMs: 50, mostMs: 5000 });
  }

  /** Version up to which the sink is complete; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** Runs until the signal aborts, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
        await this.#watch(signal);
      } catch (err) {
        if (signal.aborted) return;
        await this.#recover(err, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const items: T[] = [];
    let version = "";
    let next: string | undefined;
    do {
      const page = await this.#client.list(this.#descriptor, {
        ...this.#selection,
        limit: PAGE_SIZE,
        signal,
        ...(next ? { continue: next } : {}),
      });
      items.push(...page.items);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue;
    } while (next);
    this.#sink.replace(items);
    this.#resourceVersion = version;
    this.#backoff.reset();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const timeoutSeconds = 300 + this.#rng.int(0, 300);
    const deadline = new Deadline(this.#clock, (timeoutSeconds + OVERDUE_SECONDS) * 1000, signal);
    let eventCount = 0;
    const stream = this.#client.watch(this.#descriptor, {
      ...this.#selection,
      resourceVersion: this.#resourceVersion ?? "",
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal: deadline.signal,
    });
    try {
      for await (const event of stream) {
        eventCount++;
        this.#backoff.reset();
        this.#take(event);
      }
    } finally {
      deadline.clear();
    }
    // A server that ends every watch at once would otherwise be asked without pause.
    if (eventCount === 0 && this.#clock.monotonicMs() - startedMs < 1000) await this.#backoff.wait(signal);
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === "DELETED") this.#sink.remove(event.object);
    else if (event.type !== "BOOKMARK") this.#sink.upsert(event.object);
    this.#resourceVersion = event.object.metadata.resourceVersion;
  }

  async #recover(err: unknown, signal: AbortSignal): Promise<void> {
    if (isExpired(err) || isTooLargeVersion(err)) {
      this.#logger.info("Relisting because the resource version is gone");
      this.#resourceVersion = undefined;
    } else if (err instanceof TransportError) {
      this.#logger.debug("Lost the API server", { err });
    } else {
      // A kind that is not served yet (or no longer) is asked for again, quietly.
      this.#logger[isNotFound(err) ? "debug" : "warn"]("Listing or watching failed", { err });
      // A watch that the server answers with an unexpected failure may be stuck on its version.
      if (!(err instanceof StatusError)) this.#resourceVersion = undefined;
    }
    await this.#backoff.wait(signal).catch(() => {});
  }
}

/** The store was replaced by an older one: what we know is from its lost future. */
const isTooLargeVersion = (err: unknown): boolean =>
  reasonOf(err) === "Timeout" &&
  err instanceof StatusError &&
  (err.status.details?.causes ?? []).some((cause) => cause.reason === "ResourceVersionTooLarge");

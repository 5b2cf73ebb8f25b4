import type { Clock } from "../machinery/api/clock.js";
import type { Event } from "../machinery/api/core-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import { isNotFound } from "../machinery/api/status.js";
import { APISERVER_USER } from "./auth/user-info.js";
import type { GenericStore } from "./registry/generic-store.js";
import { fromBytes } from "./registry/object-bytes.js";
import type { KeyValue, Revision } from "./storage/storage.js";

export interface EventExpiryOptions {
  events: GenericStore<Event>;
  clock: Clock;
  logger: Logger;
  /** Default one hour, as `--event-ttl`. */
  ttlMs?: number;
}

const HOUR_MS = 3_600_000;
const PERIOD_MS = 60_000;
/** Deletions that are under way together, so that they share commits. */
const BATCH = 100;

interface Expiry {
  revision: Revision;
  atMs: number;
}

/** Deletes Events an hour after they last happened; a real server leaves that to etcd's leases. */
export class EventExpiry {
  readonly #options: EventExpiryOptions;
  /** By key, so that each version of an Event is parsed once. */
  #expiries = new Map<string, Expiry>();

  constructor(options: EventExpiryOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(PERIOD_MS, signal);
      } catch {
        return;
      }
      await this.sweep().catch((err: unknown) => logger.error("Could not expire Events", { err }));
    }
  }

  /** One pass; tells how many it deleted. */
  async sweep(): Promise<number> {
    const nowMs = this.#options.clock.nowMs();
    const known = this.#expiries;
    const current = new Map<string, Expiry>();
    const expired: KeyValue[] = [];
    for (const item of this.#options.events.list({}).items) {
      const before = known.get(item.key);
      const expiry = before?.revision === item.revision ? before : this.#expiryOf(item);
      if (expiry.atMs <= nowMs) expired.push(item);
      else current.set(item.key, expiry);
    }
    this.#expiries = current;
    for (let i = 0; i < expired.length; i += BATCH)
      await Promise.all(expired.slice(i, i + BATCH).map((item) => this.#delete(item)));
    return expired.length;
  }

  #expiryOf({ value, revision }: KeyValue): Expiry {
    const event = fromBytes(value) as Event;
    const times = [
      event.metadata.creationTimestamp,
      event.lastTimestamp,
      event.eventTime,
      event.series?.lastObservedTime,
    ].flatMap((time) => (time ? [Date.parse(time)] : []));
    return { revision, atMs: Math.max(...times) + (this.#options.ttlMs ?? HOUR_MS) };
  }

  async #delete({ value }: KeyValue): Promise<void> {
    const { namespace, name } = (fromBytes(value) as Event).metadata;
    try {
      await this.#options.events.delete({ namespace, name }, {}, { user: APISERVER_USER, dryRun: false });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}

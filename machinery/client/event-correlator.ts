import type { Clock } from "../api/clock.js";
import { toTime } from "../api/clock.js";
import type { Event } from "../api/core-v1.js";
import { RecentMap } from "./recent-map.js";
import { TokenBucket } from "./token-bucket.js";

// Upstream: client-go tools/record/events_cache.go EventCorrelator, with its defaults.
const MOST_REMEMBERED = 4096;
const SIMILAR_LIMIT = 10;
const SIMILAR_INTERVAL_MS = 600 * 1000;
const SPAM_BURST = 25;
const SPAM_PER_SECOND = 1 / 300;

export type CorrelatedEvent =
  | { kind: "create"; event: Event }
  /** The same event again: raise its count. */
  | { kind: "repeat"; event: Event }
  /** One object produces too many. */
  | { kind: "dropped" };

interface Similar {
  messages: Set<string>;
  lastMs: number;
}

/** Decides what becomes of an event: a new object, a higher count of an earlier one, or nothing. */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #similar = new RecentMap<string, Similar>(MOST_REMEMBERED);
  readonly #sent = new RecentMap<string, Event>(MOST_REMEMBERED);
  readonly #spam = new RecentMap<string, TokenBucket>(MOST_REMEMBERED);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  correlate(event: Event): CorrelatedEvent {
    const combined = this.#combineSimilar(event);
    const repeated = this.#raiseCount(combined);
    return this.#isSpam(event) ? { kind: "dropped" } : repeated;
  }

  /** What the server really stored, so that a repeat changes that object. */
  remember(event: Event): void {
    this.#sent.set(exactKey(event), event);
  }

  /** The stored object is gone; the next repeat makes a new one. */
  forget(event: Event): void {
    this.#sent.delete(exactKey(event));
  }

  /** More than ten differing messages of one kind in ten minutes become one event. */
  #combineSimilar(event: Event): Event {
    const key = similarKey(event);
    const nowMs = this.#clock.nowMs();
    let record = this.#similar.get(key);
    if (!record || nowMs - record.lastMs > SIMILAR_INTERVAL_MS) {
      record = { messages: new Set(), lastMs: nowMs };
    }
    record.lastMs = nowMs;
    record.messages.add(event.message ?? "");
    this.#similar.set(key, record);
    if (record.messages.size < SIMILAR_LIMIT) return event;
    const oldest = record.messages.values().next();
    if (!oldest.done) record.messages.delete(oldest.value);
    return { ...event, message: `(combined from similar events): ${event.message}` };
  }

  #raiseCount(event: Event): CorrelatedEvent {
    const combined = event.message?.startsWith(COMBINED) ?? false;
    const earlier = this.#sent.get(combined ? similarKey(event) : exactKey(event));
    if (!earlier) return { kind: "create", event };
    return {
      kind: "repeat",
      event: {
        ...earlier,
        ...(event.message === undefined ? {} : { message: event.message }),
        count: (earlier.count ?? 1) + 1,
        lastTimestamp: toTime(this.#clock.nowMs()),
      },
    };
  }

  #isSpam(event: Event): boolean {
    const key = spamKey(event);
    let bucket = this.#spam.get(key);
    if (!bucket) {
      bucket = new TokenBucket({ clock: this.#clock, burst: SPAM_BURST, perSecond: SPAM_PER_SECOND });
      this.#spam.set(key, bucket);
    }
    return !bucket.tryTake();
  }
}

const COMBINED = "(combined from similar events)";

const spamKey = ({ source, involvedObject: on }: Event): string =>
  [source?.component, source?.host, on.kind, on.namespace, on.name, on.uid, on.apiVersion].join("\n");

const similarKey = (event: Event): string =>
  [spamKey(event), event.involvedObject.fieldPath, event.type, event.reason].join("\n");

/** Combined events count together whatever their last message was. */
const exactKey = (event: Event): string =>
  event.message?.startsWith(COMBINED) ? similarKey(event) : `${similarKey(event)}\n${event.message}`;

import type { Clock } from "../machinery/api/clock.js";
import type { ObjectKey } from "../machinery/api/resource.js";

/** A write whose watch event never comes (upstream ExpectationsTimeout) stops being waited for. */
const TIMEOUT_MS = 5 * 60 * 1000;

interface Expected {
  creations: number;
  deletions: Set<ObjectKey>;
  sinceMs: number;
}

// Upstream: pkg/controller/controller_utils.go UIDTrackingControllerExpectations.
/**
 * What a controller has asked for and not yet seen in its cache. Until it has, the cache is behind, and counting it would
 * create or delete twice.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<ObjectKey, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(owner: ObjectKey, count: number): void {
    this.#expected.set(owner, { creations: count, deletions: new Set(), sinceMs: this.#clock.monotonicMs() });
  }

  expectDeletions(owner: ObjectKey, dependents: readonly ObjectKey[]): void {
    const deletions = new Set(dependents);
    this.#expected.set(owner, { creations: 0, deletions, sinceMs: this.#clock.monotonicMs() });
  }

  creationObserved(owner: ObjectKey, count = 1): void {
    const expected = this.#expected.get(owner);
    if (expected) expected.creations -= count;
  }

  deletionObserved(owner: ObjectKey, dependent: ObjectKey): void {
    this.#expected.get(owner)?.deletions.delete(dependent);
  }

  satisfied(owner: ObjectKey): boolean {
    const expected = this.#expected.get(owner);
    if (!expected) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonicMs() - expected.sinceMs > TIMEOUT_MS;
  }

  forget(owner: ObjectKey): void {
    this.#expected.delete(owner);
  }
}

import { type Clock, toTime } from "../api/clock.js";
import { type Event, events } from "../api/core-v1.js";
import { TransportError } from "../api/http.js";
import type { Logger } from "../api/logger.js";
import type { DeepReadonly, KubeObject } from "../api/meta-v1.js";
import type { Rng } from "../api/rng.js";
import { isAlreadyExists, isNotFound } from "../api/status.js";
import { EventCorrelator } from "./event-correlator.js";
import type { RestClient } from "./rest-client.js";

/** Beyond this many unsent events new ones are dropped, as upstream's full channel does. */
const MOST_QUEUED = 1000;
const MOST_TRIES = 12;
const RETRY_DELAY_MS = 2000;

export interface EventDetails {
  /** Part of the object, such as `spec.containers{web}`. */
  fieldPath?: string;
}

/**
 * Tells the user what happened to an object. Repeats raise a count, floods are cut; recording never throws and never
 * waits. Events leave while `run` runs.
 */
export class EventRecorder {
  readonly #client: RestClient;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #logger: Logger;
  readonly #component: string;
  readonly #host: string | undefined;
  readonly #correlator: EventCorrelator;
  readonly #queue: Event[] = [];
  #wake: (() => void) | undefined;

  constructor(options: {
    client: RestClient;
    clock: Clock;
    rng: Rng;
    logger: Logger;
    /** `replicaset-controller`, `kubelet`. */
    component: string;
    /** The node, for kubelets. */
    host?: string;
  }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#rng = options.rng;
    this.#logger = options.logger;
    this.#component = options.component;
    this.#host = options.host;
    this.#correlator = new EventCorrelator(options.clock);
  }

  event(
    regarding: DeepReadonly<KubeObject>,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    details: EventDetails = {},
  ): void {
    if (this.#queue.length >= MOST_QUEUED) return;
    this.#queue.push(this.#newEvent(regarding, { type, reason, message }, details));
    this.#wake?.();
  }

  /** Sends events until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    while (!signal.aborted) {
      const next = this.#queue.shift();
      if (next) await this.#deliver(next, signal);
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #deliver(event: Event, signal: AbortSignal): Promise<void> {
    const correlated = this.#correlator.correlate(event);
    if (correlated.kind === "dropped") return;
    for (let attempt = 1; attempt <= MOST_TRIES && !signal.aborted; attempt++) {
      try {
        const stored =
          correlated.kind === "repeat"
            ? await this.#repeat(correlated.event, signal)
            : await this.#create(correlated.event, signal);
        this.#correlator.remember(stored);
        return;
      } catch (err) {
        if (signal.aborted || isAlreadyExists(err)) return;
        if (!(err instanceof TransportError)) {
          this.#logger.debug("The server rejected an event", { reason: event.reason, err });
          return;
        }
        await this.#clock.sleep(RETRY_DELAY_MS * (1 + this.#rng.next()), signal).catch(() => {});
      }
    }
  }

  #create(event: Event, signal: AbortSignal): Promise<Event> {
    return this.#client.create(events, event, { signal });
  }

  async #repeat(event: Event, signal: AbortSignal): Promise<Event> {
    const body = { count: event.count, lastTimestamp: event.lastTimestamp, message: event.message };
    try {
      return await this.#client.patch(events, event.metadata, { type: "strategic", body }, { signal });
    } catch (err) {
      if (!isNotFound(err)) throw err;
      // It expired meanwhile; the count goes on in a new object.
      this.#correlator.forget(event);
      const metadata = this.#identity(event.involvedObject) as Event["metadata"];
      return this.#create({ ...event, metadata }, signal);
    }
  }

  #newEvent(
    regarding: DeepReadonly<KubeObject>,
    what: { type: string; reason: string; message: string },
    details: EventDetails,
  ): Event {
    const now = toTime(this.#clock.nowMs());
    const { apiVersion, kind, metadata } = regarding;
    const involvedObject = {
      kind,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      name: metadata.name,
      uid: metadata.uid,
      apiVersion,
      resourceVersion: metadata.resourceVersion,
      ...(details.fieldPath ? { fieldPath: details.fieldPath } : {}),
    };
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: this.#identity(involvedObject) as Event["metadata"],
      involvedObject,
      reason: what.reason,
      message: what.message,
      source: { component: this.#component, ...(this.#host ? { host: this.#host } : {}) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type: what.type,
      eventTime: null,
      reportingComponent: this.#component,
      reportingInstance: this.#host ?? "",
    };
  }

  /** `<object>.<hex>`, from the time in nanoseconds as client-go names them. */
  #identity(on: { name?: string; namespace?: string }): { name: string; namespace: string } {
    const nanos = BigInt(Math.floor(this.#clock.nowMs())) * 1_000_000n + BigInt(this.#rng.int(0, 999_999));
    return { name: `${on.name}.${nanos.toString(16)}`, namespace: on.namespace ?? "default" };
  }
}

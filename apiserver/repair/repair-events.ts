import { type Clock, toTime } from "../../machinery/api/clock.js";
import { type Event, events } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { APISERVER_USER } from "../auth/user-info.js";
import type { GenericStore } from "../registry/generic-store.js";

/** How long the same finding about the same object is not told again. */
const REPEAT_MS = 6 * 60_000;
const MOST_REMEMBERED = 1000;

export interface Finding {
  reason: string;
  action: string;
  message: string;
}

/** Warnings of the server's own loops about objects that it found wrong. */
export class RepairEvents {
  readonly #events: GenericStore<Event>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #component: string;
  /** When each finding was last told. */
  readonly #told = new Map<string, number>();

  constructor(options: { events: GenericStore<Event>; logger: Logger; clock: Clock; component: string }) {
    this.#events = options.events;
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#component = options.component;
  }

  async warn(regarding: KubeObject, finding: Finding): Promise<void> {
    const key = `${regarding.metadata.uid}/${finding.reason}/${finding.message}`;
    const now = this.#clock.monotonicMs();
    const before = this.#told.get(key);
    if (before !== undefined && now - before < REPEAT_MS) return;
    if (this.#told.size >= MOST_REMEMBERED) this.#told.clear();
    this.#told.set(key, now);
    this.#logger.warn("Found a wrong allocation", { reason: finding.reason, finding: finding.message });
    const event = this.#newEvent(regarding, finding);
    // Its namespace may be going away: then nobody is left to tell.
    await this.#events
      .create(event, { user: APISERVER_USER, dryRun: false })
      .catch((err: unknown) => this.#logger.debug("Could not record an event", { err }));
  }

  #newEvent({ apiVersion, kind, metadata }: KubeObject, { reason, action, message }: Finding): Event {
    const nowMs = this.#clock.nowMs();
    const { rng } = this.#events.core.dependencies;
    const { name, uid, resourceVersion } = metadata;
    const nanos = BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(rng.int(0, 999_999));
    return {
      apiVersion: events.apiVersion,
      kind: events.kind,
      metadata: {
        name: `${name}.${nanos.toString(16)}`,
        namespace: metadata.namespace ?? "default",
        uid: "",
        resourceVersion: "",
        creationTimestamp: "",
      },
      involvedObject: {
        apiVersion,
        kind,
        name,
        uid,
        resourceVersion,
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      },
      reason,
      action,
      message,
      type: "Warning",
      firstTimestamp: toTime(nowMs),
      lastTimestamp: toTime(nowMs),
      count: 1,
      eventTime: null,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: "kube-apiserver",
    };
  }
}

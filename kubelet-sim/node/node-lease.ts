import { type Clock, toMicroTime } from "../../machinery/api/clock.js";
import { type Lease, leases } from "../../machinery/api/coordination-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import { isAlreadyExists, isNotFound } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";

export interface NodeLeaseOptions {
  nodeName: string;
  client: RestClient;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  durationSeconds: number;
  /** Uid of the Node, for the owner reference. */
  nodeUid: () => string | undefined;
  /** False while a fault stops the heartbeats. */
  enabled: () => boolean;
}

const NAMESPACE = "kube-node-lease";
/** Renewed this often in the time that it lasts. */
const RENEWALS = 4;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 7_000;

// Upstream: component-helpers apimachinery/lease.
/** Keeps the node's Lease fresh: the cheap heartbeat. */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  #current: Lease | undefined;

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, rng, durationSeconds } = this.#options;
    const periodMs = (durationSeconds * 1000) / RENEWALS;
    try {
      for (;;) {
        if (this.#options.enabled()) await this.#renewWithRetries(signal);
        await clock.sleep(periodMs * (1 + 0.04 * rng.next()), signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  async #renewWithRetries(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await this.#renew(signal);
      } catch (err) {
        signal.throwIfAborted();
        // A conflict means that somebody else wrote it: read it anew.
        this.#current = undefined;
        logger.debug("Could not renew the node lease", { err });
      }
      await clock.sleep(delayMs, signal);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    this.#current ??= await this.#getOrCreate(signal);
    const renewed: Lease = {
      ...this.#current,
      spec: { ...this.#spec(), renewTime: toMicroTime(clock.nowMs()) },
    };
    this.#current = await client.update(leases, renewed, { signal });
  }

  async #getOrCreate(signal: AbortSignal): Promise<Lease> {
    const { client, nodeName } = this.#options;
    const at = { namespace: NAMESPACE, name: nodeName };
    try {
      return await client.get(leases, at, { signal });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    try {
      return await client.create(
        leases,
        { metadata: { ...at, ...this.#owner() }, spec: this.#spec() },
        { signal },
      );
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      return client.get(leases, at, { signal });
    }
  }

  #owner(): Pick<Lease["metadata"], "ownerReferences"> | object {
    const uid = this.#options.nodeUid();
    if (!uid) return {};
    return { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: this.#options.nodeName, uid }] };
  }

  #spec(): Lease["spec"] {
    const { nodeName, durationSeconds, clock } = this.#options;
    return {
      holderIdentity: nodeName,
      leaseDurationSeconds: durationSeconds,
      renewTime: toMicroTime(clock.nowMs()),
    };
  }
}

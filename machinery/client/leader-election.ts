import { type Clock, toMicroTime } from "../api/clock.js";
import { type Lease, leases } from "../api/coordination-v1.js";
import type { Logger } from "../api/logger.js";
import type { Rng } from "../api/rng.js";
import { isNotFound } from "../api/status.js";
import { Deadline } from "./deadline.js";
import type { RestClient } from "./rest-client.js";

export interface LeaderElectionOptions {
  client: RestClient;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** The Lease that stands for the role. */
  namespace: string;
  name: string;
  /** Unique to this instance, and the same after its restart, so that it takes its own lease back at once. */
  identity: string;
  leaseDurationMs?: number;
  renewDeadlineMs?: number;
  retryPeriodMs?: number;
}

/**
 * At most one instance does the work: the one that holds the Lease. Others' leases are judged by this instance's own
 * clock since it last saw them change, so clocks need not agree.
 */
export class LeaderElection {
  readonly #options: Required<LeaderElectionOptions>;
  #observed: { version: string; atMs: number } | undefined;
  #leading = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000, ...options };
  }

  get leading(): boolean {
    return this.#leading;
  }

  /**
   * Waits for the lease, then runs `lead` until it ends, the signal aborts, or the lease is lost (its own signal then
   * aborts). Resolves to whether the lease was lost; never rejects for want of a server.
   */
  async run(signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>): Promise<"ended" | "lost"> {
    if (!(await this.#acquire(signal))) return "ended";
    const controller = new AbortController();
    const stop = (): void => controller.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    this.#leading = true;
    const work = lead(controller.signal).finally(() => controller.abort());
    const lost = await this.#renew(controller.signal);
    controller.abort(new Error("leader election lost"));
    await work;
    this.#leading = false;
    signal.removeEventListener("abort", stop);
    if (!lost) await this.#release();
    return lost ? "lost" : "ended";
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, rng, retryPeriodMs } = this.#options;
    while (!signal.aborted) {
      if (await this.#tryAcquireOrRenew(signal)) return true;
      await clock.sleep(retryPeriodMs * (1 + 0.2 * rng.next()), signal).catch(() => {});
    }
    return false;
  }

  /** Resolves to true once no renewal has succeeded for the renew deadline; to false when the signal aborts. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const { clock, retryPeriodMs, renewDeadlineMs } = this.#options;
    let renewedMs = clock.monotonicMs();
    while (!signal.aborted) {
      await clock.sleep(retryPeriodMs, signal).catch(() => {});
      if (signal.aborted) return false;
      if (await this.#tryAcquireOrRenew(signal)) renewedMs = clock.monotonicMs();
      else if (clock.monotonicMs() - renewedMs >= renewDeadlineMs) return !signal.aborted;
    }
    return false;
  }

  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    // A server that does not answer at all must not hold the renewal beyond its deadline.
    const deadline = new Deadline(this.#options.clock, this.#options.renewDeadlineMs / 2, signal);
    try {
      return await this.#tryOnce(deadline.signal);
    } catch (err) {
      if (!signal.aborted) this.#options.logger.debug("Could not take or renew the lease", { err });
      return false;
    } finally {
      deadline.clear();
    }
  }

  async #tryOnce(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    let current: Lease;
    try {
      current = await client.get(leases, { namespace, name }, { signal });
    } catch (err) {
      if (!isNotFound(err)) throw err;
      await client.create(leases, { metadata: { namespace, name }, spec: this.#spec(undefined) }, { signal });
      return true;
    }
    this.#observe(current);
    const holder = current.spec.holderIdentity;
    if (holder && holder !== identity && !this.#expired(current)) return false;
    const updated = await client.update(leases, { ...current, spec: this.#spec(current) }, { signal });
    this.#observe(updated);
    return true;
  }

  #observe(lease: Lease): void {
    const version = lease.metadata.resourceVersion;
    if (this.#observed?.version !== version) {
      this.#observed = { version, atMs: this.#options.clock.monotonicMs() };
    }
  }

  #expired(lease: Lease): boolean {
    const durationMs = (lease.spec.leaseDurationSeconds ?? 0) * 1000;
    return this.#options.clock.monotonicMs() - (this.#observed?.atMs ?? 0) >= durationMs;
  }

  #spec(current: Lease | undefined): Lease["spec"] {
    const { clock, identity, leaseDurationMs } = this.#options;
    const now = toMicroTime(clock.nowMs());
    const mine = current?.spec.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
      acquireTime: mine ? (current?.spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (current?.spec.leaseTransitions ?? 0) + (current && !mine ? 1 : 0),
    };
  }

  /** So that the next instance need not wait for the lease to run out. */
  async #release(): Promise<void> {
    const { client, clock, namespace, name, identity } = this.#options;
    const deadline = new Deadline(clock, 1000);
    try {
      const current = await client.get(leases, { namespace, name }, { signal: deadline.signal });
      if (current.spec.holderIdentity !== identity) return;
      const spec = { ...current.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await client.update(leases, { ...current, spec }, { signal: deadline.signal });
    } catch (err) {
      this.#options.logger.debug("Could not release the lease", { err });
    } finally {
      deadline.clear();
    }
  }
}

import type { Logger } from "../machinery/api/logger.js";
import type { FaultHost, FaultRequest, Healing, HeldFault } from "./cluster-access.js";
import { claimsOf, type Fault } from "./fault.js";
import type { FaultJournal, JournalEntry } from "./fault-journal.js";
import type { Reach } from "./reach.js";

export interface FaultHolderOptions {
  faults: readonly Fault[];
  reach: Reach;
  journal: FaultJournal;
  logger: Logger;
}

/** A fault of the journal; `not-healed`: healing failed, and is tried again when somebody asks, or at the next start. */
export type OpenFault = JournalEntry & { state: "held" | "not-healed" };

export type HealedFault = Pick<JournalEntry, "id" | "fault"> & Healing;

/** Healing that fails is tried again so often, each time after twice the wait; then the journal keeps the fault. */
const HEAL_TRIES = 8;
const FIRST_HEAL_WAIT_MS = 100;

interface Held {
  entry: JournalEntry;
  fault: Fault;
  claims: readonly string[];
  /** Asks for healing now; set while the fault acts. */
  end: () => void;
  healed: Promise<Healing>;
}

/**
 * Holds faults for runners. Each is in the journal before it is injected and until it is healed, so that whoever opens the
 * journal next can heal what a killed holder left.
 */
export class FaultHolder implements FaultHost {
  readonly #options: FaultHolderOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: FaultHolderOptions) {
    this.#options = options;
  }

  /** What is injected now. */
  get held(): JournalEntry[] {
    return [...this.#held.values()].map(({ entry }) => entry);
  }

  /** What is not healed, oldest first: what acts, and what could not be healed. */
  get open(): OpenFault[] {
    return this.#options.journal
      .entries()
      .map((entry) => ({ ...entry, state: this.#held.has(entry.id) ? "held" : "not-healed" }));
  }

  async hold(request: FaultRequest): Promise<HeldFault> {
    const { reach, journal } = this.#options;
    const fault = this.#faultNamed(request.fault);
    const nowMs = reach.clock.nowMs();
    if (!(request.endsAtMs > nowMs) && !fault.momentary)
      throw new RangeError("the fault has ended before it began");
    const entry: JournalEntry = {
      id: request.id,
      fault: fault.name,
      target: request.target,
      injectedAtMs: nowMs,
      endsAtMs: request.endsAtMs,
    };
    const claims = this.#claim(fault, entry);
    const held = this.#register(entry, fault, claims);
    try {
      journal.open(entry);
      await fault.inject(reach, entry.target, entry);
    } catch (err) {
      held.end();
      await held.healed;
      throw err;
    }
    if (fault.momentary) held.end();
    return { release: () => this.release(entry.id), healed: held.healed };
  }

  /** Heals one fault now; one that is not held answers as healed. */
  async release(id: string): Promise<Healing> {
    const held = this.#held.get(id);
    if (!held) return { atMs: this.#options.reach.clock.nowMs() };
    held.end();
    return held.healed;
  }

  /** Heals one fault, or all, also those whose healing failed before; answers for each. */
  async heal(id?: string): Promise<HealedFault[]> {
    const wanted = this.open.filter((entry) => id === undefined || entry.id === id);
    return Promise.all(
      wanted.map(async (entry) => ({
        id: entry.id,
        fault: entry.fault,
        ...(entry.state === "held" ? await this.release(entry.id) : await this.#healLeftover(entry)),
      })),
    );
  }

  /** Heals everything that is held, before the holder stops. */
  async releaseAll(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((id) => this.release(id)));
  }

  /** Heals what an earlier holder wrote down and never healed. Answers how many those were. */
  async healLeftovers(): Promise<number> {
    const leftovers = this.#options.journal.entries().filter(({ id }) => !this.#held.has(id));
    for (const entry of leftovers) await this.#healLeftover(entry);
    return leftovers.length;
  }

  async #healLeftover(entry: JournalEntry): Promise<Healing> {
    const fault = this.#options.faults.find(({ name }) => name === entry.fault);
    if (fault) return this.#heal(entry, fault);
    // A journal of another version: nothing here knows how.
    this.#options.logger.warn("Unknown fault in the journal", { fault: entry.fault, id: entry.id });
    return { atMs: this.#options.reach.clock.nowMs(), error: `unknown fault "${entry.fault}"` };
  }

  #faultNamed(name: string): Fault {
    const fault = this.#options.faults.find((known) => known.name === name);
    if (!fault) throw new RangeError(`unknown fault "${name}"`);
    return fault;
  }

  #claim(fault: Fault, entry: JournalEntry): readonly string[] {
    if (this.#held.has(entry.id)) throw new RangeError(`fault "${entry.id}" is held already`);
    const claims = claimsOf(fault, entry.target);
    for (const { entry: other, claims: taken } of this.#held.values()) {
      const both = taken.find((claim) => claims.includes(claim));
      if (both !== undefined)
        throw new RangeError(`${both} is held by fault "${other.fault}" (${other.id}) until it is healed`);
    }
    return claims;
  }

  #register(entry: JournalEntry, fault: Fault, claims: readonly string[]): Held {
    const { clock } = this.#options.reach;
    let end = (): void => {};
    const asked = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = fault.momentary ? undefined : clock.setTimer(entry.endsAtMs - clock.nowMs(), end);
    const healed = asked.then(async () => {
      timer?.cancel();
      const healing = await this.#heal(entry, fault);
      this.#held.delete(entry.id);
      return healing;
    });
    const held = { entry, fault, claims, end, healed };
    this.#held.set(entry.id, held);
    return held;
  }

  /** Never rejects. */
  async #heal(entry: JournalEntry, fault: Fault): Promise<Healing> {
    const { reach, journal, logger } = this.#options;
    for (let tries = 1, waitMs = FIRST_HEAL_WAIT_MS; ; tries++, waitMs *= 2) {
      try {
        await fault.heal(reach, entry.target, entry);
        journal.close(entry.id);
        return { atMs: reach.clock.nowMs() };
      } catch (err) {
        const error = err instanceof Error ? err.message : String(err);
        if (tries === HEAL_TRIES || reach.signal.aborted) {
          logger.error("Fault is not healed; the next start tries again", {
            id: entry.id,
            fault: entry.fault,
            error,
          });
          return { atMs: reach.clock.nowMs(), error };
        }
        await reach.clock.sleep(waitMs);
      }
    }
  }
}

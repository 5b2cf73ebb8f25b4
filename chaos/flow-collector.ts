import { CannotRun } from "./cannot-run.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { FlowRecord } from "./history.js";
import type { Scenario } from "./scenario/types.js";

/** The data plane keeps its last 20,000 flows; so many of a run are fetched before others push them out. */
const FLOWS_BETWEEN_LOOKS = 5000;
/** A request may look up its name in several forms before it connects. */
const FLOWS_OF_A_REQUEST = 4;
const SHORTEST_PERIOD_MS = 1000;
const MOST_TRIES = 10;
const MOST_FLOWS = 1_000_000;

/** Gathers the flow log of a run while it is written: what is fetched at the end alone may have lost its beginning. */
export class FlowCollector {
  readonly #cluster: ClusterAccess;
  readonly #fromMs: number;
  readonly #flows = new Map<string, FlowRecord>();
  #dropped = 0;

  constructor(cluster: ClusterAccess, fromMs: number) {
    this.#cluster = cluster;
    this.#fromMs = fromMs;
  }

  /** Looks as often as the traffic asks for, until the signal aborts; a data plane that is away is asked again. */
  async follow({ traffic, durationMs }: Scenario, signal: AbortSignal): Promise<void> {
    const perSecond =
      traffic.reduce((sum, spec) => sum + spec.perSecond * spec.clients, 0) * FLOWS_OF_A_REQUEST;
    const periodMs = Math.max(SHORTEST_PERIOD_MS, (FLOWS_BETWEEN_LOOKS / Math.max(1, perSecond)) * 1000);
    if (periodMs >= durationMs) return;
    const { clock } = this.#cluster;
    try {
      while (!signal.aborted) {
        await clock.sleep(periodMs, signal);
        await this.#look(clock.nowMs()).catch(() => {});
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  /** Everything since the start, in the order of time. Rejects with CannotRun when the data plane does not answer. */
  async take(untilMs: number): Promise<{ flows: FlowRecord[]; dropped: number }> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#look(untilMs);
        break;
      } catch (err) {
        if (tries === MOST_TRIES)
          throw new CannotRun(
            `the flow log cannot be read: ${err instanceof Error ? err.message : String(err)}`,
          );
        await this.#cluster.clock.sleep(SHORTEST_PERIOD_MS);
      }
    }
    const flows = [...this.#flows.values()].sort((a, b) => a.atMs - b.atMs);
    return { flows, dropped: this.#dropped };
  }

  /** A flow that was seen before is replaced: it may have ended since. */
  async #look(untilMs: number): Promise<void> {
    for (const flow of await this.#cluster.flows(this.#fromMs, untilMs)) {
      const key = `${flow.source} ${flow.destination} ${flow.backend ?? ""} ${flow.atMs}`;
      if (this.#flows.size < MOST_FLOWS || this.#flows.has(key)) this.#flows.set(key, flow);
      else this.#dropped++;
    }
  }
}

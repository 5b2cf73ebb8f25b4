import type { Clock } from "../../api/clock.js";
import { TransportError } from "../../api/http.js";
import type { Rng } from "../../api/rng.js";
import type { ActiveFaults } from "../../runtime/active-faults.js";
import { FaultParameters } from "../../runtime/fault-parameters.js";

/** What is wrong with the way between clients and the API server. */
export interface LinkFault {
  /** Names of clients, as the component gives them; absent means all. */
  clients: ReadonlySet<string> | undefined;
  /** Of each request and each answer. */
  delayMs: number;
  jitterMs: number;
  /** So many requests are lost and time out. */
  lossPercent: number;
  /** `to`: requests do not arrive; `from`: they do, but no answer comes back, so a write's outcome is unknown. */
  cut: "to" | "from" | "both" | undefined;
  /** What is lost or cut fails at once with a reset, instead of after a timeout. */
  reset: boolean;
}

export function parseLinkFault(values: Readonly<Record<string, unknown>>): LinkFault {
  const read = new FaultParameters(values, ["clients", "delayMs", "jitterMs", "lossPercent", "cut", "reset"]);
  return {
    clients: read.texts("clients"),
    delayMs: read.number("delayMs"),
    jitterMs: read.number("jitterMs"),
    lossPercent: read.percent("lossPercent"),
    cut: read.oneOf("cut", ["to", "from", "both"]),
    reset: read.flag("reset"),
  };
}

/** How long a connection attempt waits for a machine that does not answer (net.Dialer in client-go). */
const DIAL_TIMEOUT_MS = 30_000;

/** One client's way to the API server, with what is wrong with it now. */
export class FaultyLink {
  readonly #client: string;
  readonly #faults: ActiveFaults<LinkFault>;
  readonly #clock: Clock;
  readonly #rng: Rng;

  constructor(client: string, faults: ActiveFaults<LinkFault>, clock: Clock, rng: Rng) {
    this.#client = client;
    this.#faults = faults;
    this.#clock = clock;
    this.#rng = rng;
  }

  /** The way of a request to the server. Rejects with TransportError when it is lost. */
  send(signal?: AbortSignal): Promise<void> {
    return this.#cross("to", true, signal);
  }

  /** The way of an answer back: the request has had its effect whatever happens here. */
  receive(signal?: AbortSignal): Promise<void> {
    return this.#cross("from", false, signal);
  }

  /** Holds what a stream brings while the way back is cut, as packets that are sent again until they arrive. */
  async untilOpen(signal?: AbortSignal): Promise<void> {
    while (this.#isCut("from")) await this.#changed(signal);
  }

  async #cross(direction: "to" | "from", lossy: boolean, signal?: AbortSignal): Promise<void> {
    const fault = this.#current();
    if (!fault) return;
    const lost = lossy && fault.lossPercent > 0 && this.#rng.next() * 100 < fault.lossPercent;
    if (lost || this.#isCut(direction)) await this.#lose(fault, lost, direction, signal);
    const delayMs = fault.delayMs + fault.jitterMs * (fault.jitterMs > 0 ? this.#rng.next() : 0);
    if (delayMs > 0) await this.#clock.sleep(delayMs, signal);
  }

  /** Waits until the cut is healed, as a connection attempt that is repeated would, but not longer than one may take. */
  async #lose(
    fault: LinkFault,
    lost: boolean,
    direction: "to" | "from",
    signal?: AbortSignal,
  ): Promise<void> {
    if (fault.reset) throw new TransportError("connection reset by peer");
    const untilMs = this.#clock.monotonicMs() + DIAL_TIMEOUT_MS;
    if (lost) await this.#clock.sleep(DIAL_TIMEOUT_MS, signal);
    else
      while (this.#isCut(direction) && this.#clock.monotonicMs() < untilMs)
        await this.#changed(signal, untilMs - this.#clock.monotonicMs());
    if (lost || this.#isCut(direction)) throw new TransportError("i/o timeout");
  }

  #current(): LinkFault | undefined {
    return this.#faults.none ? undefined : this.#faults.find((fault) => this.#concerns(fault));
  }

  #isCut(direction: "to" | "from"): boolean {
    if (this.#faults.none) return false;
    return (
      this.#faults.find(
        (fault) => this.#concerns(fault) && (fault.cut === direction || fault.cut === "both"),
      ) !== undefined
    );
  }

  #concerns({ clients }: LinkFault): boolean {
    return clients === undefined || clients.has(this.#client);
  }

  /** Resolves when some fault came or went, or after `mostMs`; rejects when the signal aborts. */
  async #changed(signal?: AbortSignal, mostMs = DIAL_TIMEOUT_MS): Promise<void> {
    const waiting = new AbortController();
    const stop = this.#faults.onChange(() => waiting.abort());
    const onAbort = (): void => waiting.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#clock.sleep(mostMs, waiting.signal).catch(() => {});
      signal?.throwIfAborted();
    } finally {
      stop();
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

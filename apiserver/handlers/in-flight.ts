import type { RequestInfo } from "../../machinery/api/request-info.js";
import { newTooManyRequests } from "../../machinery/api/status.js";

export interface InFlightLimits {
  reading: number;
  writing: number;
}

const READING: ReadonlySet<string> = new Set(["get", "list"]);
const LONG_RUNNING: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward", "proxy"]);

/** How many requests are being answered; beyond the limits a request is refused with 429. */
export class InFlight {
  readonly #limits: InFlightLimits;
  readonly #counts = { reading: 0, writing: 0 };
  readonly #idle: (() => void)[] = [];

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** Answers how to leave. Watches and streams are not counted. */
  enter(info: RequestInfo): () => void {
    if (!info.isResourceRequest || info.verb === "watch" || LONG_RUNNING.has(info.subresource))
      return () => undefined;
    const kind = READING.has(info.verb) ? "reading" : "writing";
    if (this.#counts[kind] >= this.#limits[kind])
      throw newTooManyRequests("Too many requests, please try again later.", 1);
    this.#counts[kind]++;
    return () => {
      this.#counts[kind]--;
      if (this.total === 0) for (const tell of this.#idle.splice(0)) tell();
    };
  }

  get counts(): Readonly<InFlightLimits> {
    return this.#counts;
  }

  get total(): number {
    return this.#counts.reading + this.#counts.writing;
  }

  /** Resolves once nothing is being answered. */
  drained(): Promise<void> {
    if (this.total === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

import { quantile } from "../harness/statistics.js";
import {
  RawClient,
  type RawResponse,
  type RequestTemplate,
  requestText,
  secureContextOf,
  type Target,
} from "./raw-client.js";

export interface RequestsOptions {
  target: Target;
  /** How many ask at once, each waiting for its answer before it asks again. */
  clients: number;
  warmUpMs: number;
  durationMs: number;
  request: RequestTemplate;
  /** First value of `{n}`. */
  from?: number;
  /** Stop after so many requests, however long they take. */
  count?: number;
}

export interface RequestsResult {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Warm-up included. */
  requests: number;
  failures: number;
  firstFailure?: string;
}

/** A closed loop of clients with kept-alive connections: how many answers a second. */
export async function run(options: RequestsOptions): Promise<RequestsResult> {
  const { target, clients, warmUpMs, durationMs, count = Number.POSITIVE_INFINITY } = options;
  const secureContext = secureContextOf(target);
  const connections = await Promise.all(
    Array.from({ length: clients }, () => RawClient.connect(target, secureContext)),
  );
  const tally = new Tally();
  let next = options.from ?? 0;
  const last = next + count;
  const startMs = performance.now();
  const fromMs = startMs + warmUpMs;
  const untilMs = fromMs + durationMs;
  await Promise.all(
    connections.map(async (connection) => {
      for (let sentMs = performance.now(); sentMs < untilMs && next < last; ) {
        const response = await connection.send(requestText(options.request, next++));
        const nowMs = performance.now();
        tally.add(response, sentMs >= fromMs && nowMs <= untilMs ? nowMs - sentMs : undefined);
        sentMs = nowMs;
      }
    }),
  );
  const seconds = (Math.min(performance.now(), untilMs) - fromMs) / 1000;
  for (const connection of connections) connection.close();
  return tally.result(seconds);
}

/** Counts answers and keeps how long the measured ones took. */
export class Tally {
  readonly #latenciesMs: number[] = [];
  #requests = 0;
  #failures = 0;
  #firstFailure: string | undefined;

  add(response: RawResponse, latencyMs: number | undefined): void {
    this.#requests += 1;
    if (response.status >= 300) this.fail(`${response.status} ${response.text}`);
    if (latencyMs !== undefined) this.#latenciesMs.push(latencyMs);
  }

  fail(reason: string): void {
    this.#failures += 1;
    this.#firstFailure ??= reason;
  }

  result(seconds: number): RequestsResult {
    return {
      perSecond: this.#latenciesMs.length / seconds,
      p50Ms: quantile(this.#latenciesMs, 0.5),
      p99Ms: quantile(this.#latenciesMs, 0.99),
      requests: this.#requests,
      failures: this.#failures,
      ...(this.#firstFailure === undefined ? {} : { firstFailure: this.#firstFailure }),
    };
  }
}

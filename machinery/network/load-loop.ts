import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";

/** How a load generator paces its requests. */
export interface LoadPace {
  /** Of each client. */
  perSecond: number;
  durationMs: number;
  clients: number;
  /** `open`: a slow answer does not hold the next request back. `closed`: one after the other, `think` between. */
  loop: "open" | "closed";
  thinkMs: { min: number; max: number };
  /** The rate grows to `perSecond` over this time. */
  rampMs: number;
}

export interface LoadLoopOptions {
  clock: Clock;
  rng: Rng;
  sleep: (ms: number) => Promise<void>;
  /** No more requests are begun once it aborts. */
  signal: AbortSignal;
  /** Sends one request of a client. */
  send: (client: number) => Promise<void>;
}

/** More requests than this under way at once would measure the generator, not the Service. */
const MOST_UNDER_WAY = 2000;

/** Sends as the pace says; resolves when every request has its answer. Rejects as `send` does. */
export async function runLoadLoop(pace: LoadPace, options: LoadLoopOptions): Promise<void> {
  const startedMs = options.clock.monotonicMs();
  const clients = Array.from({ length: pace.clients }, (_, client) => client);
  const run = pace.loop === "open" ? openLoop : closedLoop;
  await Promise.all(clients.map((client) => run(pace, options, client, startedMs)));
}

async function openLoop(
  pace: LoadPace,
  { clock, sleep, signal, send }: LoadLoopOptions,
  client: number,
  startedMs: number,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const mostUnderWay = Math.max(1, Math.floor(MOST_UNDER_WAY / pace.clients));
  // Clients take turns within one period: at once they would be a burst.
  const shiftMs = (1000 / pace.perSecond) * (client / pace.clients);
  for (let i = 0; !signal.aborted; i++) {
    const dueMs = dueOf(i, pace) + shiftMs;
    if (dueMs >= pace.durationMs) break;
    const waitMs = startedMs + dueMs - clock.monotonicMs();
    if (waitMs > 0) await sleep(waitMs);
    if (underWay.size >= mostUnderWay) await Promise.race(underWay);
    if (signal.aborted) break;
    const request = send(client).finally(() => underWay.delete(request));
    underWay.add(request);
    // When the loop itself ends early, as with its process, nobody waits for those under way.
    request.catch(() => {});
  }
  await Promise.all(underWay);
}

async function closedLoop(
  pace: LoadPace,
  { clock, rng, sleep, signal, send }: LoadLoopOptions,
  client: number,
  startedMs: number,
): Promise<void> {
  const draws = rng.fork(`client/${client}`);
  const { min, max } = pace.thinkMs;
  for (;;) {
    const elapsedMs = clock.monotonicMs() - startedMs;
    if (elapsedMs >= pace.durationMs || signal.aborted) return;
    const nextMs = elapsedMs + 1000 / rateAt(elapsedMs, pace);
    await send(client);
    const thinkMs = min + (max - min) * draws.next();
    // At the least one turn: an answer that takes no time must not hold everything else up.
    const waitMs = Math.max(thinkMs, nextMs - (clock.monotonicMs() - startedMs), 0.001);
    await sleep(Math.min(waitMs, Math.max(0.001, pace.durationMs - (clock.monotonicMs() - startedMs))));
  }
}

/** When the request of this number is due, while the rate grows and afterwards. */
function dueOf(i: number, { perSecond, rampMs }: LoadPace): number {
  const periodMs = 1000 / perSecond;
  const duringRamp = rampMs / periodMs / 2;
  return i < duringRamp ? Math.sqrt(2 * i * periodMs * rampMs) : rampMs + (i - duringRamp) * periodMs;
}

/** Requests a second; never less than a hundredth of the full rate, or a ramp would never begin. */
const rateAt = (elapsedMs: number, { perSecond, rampMs }: LoadPace): number =>
  elapsedMs >= rampMs ? perSecond : perSecond * Math.max(0.01, elapsedMs / rampMs);

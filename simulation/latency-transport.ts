import type { Clock } from "../machinery/api/clock.js";
import type { Transport } from "../machinery/api/http.js";
import type { Rng } from "../machinery/api/rng.js";
import { wrapTransport } from "../machinery/client/wrap-transport.js";
import { drawLatency, type LatencyRange } from "./latency-range.js";

/**
 * Every message of a client (request, answer, watch frame) is delivered by a timer with a seeded latency; frames of one
 * stream keep their order. Without it all seeds would explore one interleaving.
 */
export function latencyTransport(inner: Transport, clock: Clock, rng: Rng, range: LatencyRange): Transport {
  const draw = drawLatency(rng, range);
  return wrapTransport(inner, {
    beforeRequest: (_request, signal) => clock.sleep(draw(), signal),
    afterResponse: async (_request, response, signal) => {
      await clock.sleep(draw(), signal);
      return response;
    },
    stream: (_request, body, signal) => delayed(body, clock, draw, signal),
  });
}

/** One frame after the other, each with its own latency: a burst arrives spread out, in order. */
async function* delayed(
  body: AsyncIterable<Uint8Array>,
  clock: Clock,
  draw: () => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const frame of body) {
    await clock.sleep(draw(), signal);
    yield frame;
  }
}

import type { Clock } from "../api/clock.js";
import type { Latency } from "./memory-pipe.js";
import { ConnectionError } from "./network.js";

/** Linux sends a SYN seven times in all before it gives up: after 1, 2, 4 … 64 seconds. */
const FIRST_RETRY_MS = 1000;
const MOST_RETRIES = 6;

/** How long a client waits for an answer that never comes. */
export const SYN_TIMEOUT_MS = FIRST_RETRY_MS * (2 ** (MOST_RETRIES + 1) - 1);

/** One packet of a handshake: takes the link's latency, is sent again when lost. Rejects with `timed-out`. */
export async function handshakePacket(clock: Clock, latency: Latency, signal?: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const latencyMs = latency();
    if (latencyMs <= 0) return;
    if (latencyMs !== Number.POSITIVE_INFINITY) return wait(clock, latencyMs, signal);
    await wait(clock, FIRST_RETRY_MS * 2 ** attempt, signal);
    if (attempt >= MOST_RETRIES) throw new ConnectionError("timed-out", "connection timed out");
  }
}

async function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch {
    throw new ConnectionError("aborted");
  }
}

import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until there is an answer. Rejects when the signal aborts. */
export async function until<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  pollMs: number,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(pollMs, undefined, { signal });
  }
}

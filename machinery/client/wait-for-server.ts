import type { Clock } from "../api/clock.js";
import { readBody } from "../api/http.js";
import type { RestClient } from "./rest-client.js";

/** Short, because processes start together and the server is never long in coming. */
const POLL_MS = 25;

/** Resolves once the API server says that it is ready; rejects when the signal aborts. */
export async function waitForServer(client: RestClient, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    if (await isReady(client, signal)) return;
    await clock.sleep(POLL_MS, signal);
  }
}

async function isReady(client: RestClient, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await client.request({ method: "GET", path: "/readyz" }, signal);
    await readBody(response.body);
    return response.status === 200;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

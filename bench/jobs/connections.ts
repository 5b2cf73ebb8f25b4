import { RawClient, requestText, secureContextOf, type Target } from "./raw-client.js";
import { type RequestsResult, Tally } from "./requests.js";

export interface ConnectionsOptions {
  target: Target;
  clients: number;
  warmUpMs: number;
  durationMs: number;
  path: string;
}

/** A closed loop of clients that dial, ask once and hang up: how many connections a second. */
export async function run(options: ConnectionsOptions): Promise<RequestsResult> {
  const { target, clients, warmUpMs, durationMs } = options;
  const secureContext = secureContextOf(target);
  const request = requestText({ method: "GET", path: options.path }, 0, { close: true });
  const tally = new Tally();
  const fromMs = performance.now() + warmUpMs;
  const untilMs = fromMs + durationMs;
  const loop = async (): Promise<void> => {
    for (let startedMs = performance.now(); startedMs < untilMs; ) {
      try {
        const connection = await RawClient.connect(target, secureContext);
        const response = await connection.send(request);
        connection.close();
        const nowMs = performance.now();
        tally.add(response, startedMs >= fromMs && nowMs <= untilMs ? nowMs - startedMs : undefined);
      } catch (err) {
        tally.fail(err instanceof Error ? err.message : String(err));
      }
      startedMs = performance.now();
    }
  };
  await Promise.all(Array.from({ length: clients }, loop));
  return tally.result(durationMs / 1000);
}

import type { FaultHost, FaultRequest, Healing, HeldFault } from "../../chaos/cluster-access.js";
import { AdminError, adminCall, adminStream } from "../../machinery/runtime/admin-server.js";

/** One line of the supervisor's answer to a lease. */
export type LeaseLine = { injected: string } | { healed: Healing } | { refused: string };

/** One line of the supervisor's answer to a session: that it is there, and, before it stops, that it will. */
export type SessionLine = { supervisor: number } | { ending: string };

/** Tells once when the supervisor stops, or is gone. */
export function whenLost(supervisorSocket: string, tell: (why: string) => void, signal: AbortSignal): void {
  const session = async (): Promise<string> => {
    let why = "the cluster's supervisor is not running";
    try {
      for await (const line of adminStream(supervisorSocket, "/chaos/session", signal)) {
        if ("ending" in (line as SessionLine)) return (line as { ending: string }).ending;
        why = "the cluster's supervisor went away";
      }
    } catch {
      // Nobody answered, or the connection broke: `why` says which.
    }
    return why;
  };
  void session().then((why) => {
    if (!signal.aborted) tell(why);
  });
}

/** Faults held by a cluster's supervisor: this process' connection is the lease. */
export const liveFaults = (supervisorSocket: string): FaultHost => ({
  async hold(request: FaultRequest): Promise<HeldFault> {
    const connection = new AbortController();
    const path = `/chaos/lease?request=${encodeURIComponent(JSON.stringify(request))}`;
    const lines = adminStream(supervisorSocket, path, connection.signal) as AsyncGenerator<LeaseLine>;
    const first = await firstLine(lines);
    if ("refused" in first) throw new RangeError(first.refused);
    const healed = lastLine(lines);
    return {
      healed,
      async release() {
        await adminCall(
          supervisorSocket,
          "DELETE",
          `/chaos/faults?id=${encodeURIComponent(request.id)}`,
        ).catch(() => connection.abort());
        return healed;
      },
    };
  },
});

async function firstLine(lines: AsyncGenerator<LeaseLine>): Promise<LeaseLine> {
  try {
    const { value, done } = await lines.next();
    if (done) throw new RangeError("the supervisor ended the lease before it began");
    return value;
  } catch (err) {
    if (err instanceof AdminError && err.status === 0)
      throw new RangeError("the cluster's supervisor is not running");
    throw err;
  }
}

/** A supervisor that is gone heals from its journal at the next start: until then nobody knows. */
async function lastLine(lines: AsyncGenerator<LeaseLine>): Promise<Healing> {
  try {
    for await (const line of lines) if ("healed" in line) return line.healed;
  } catch {
    // The connection broke; said below.
  }
  return {
    atMs: Number.NaN,
    error: "nobody holds it now; the supervisor heals from its journal at the next start",
  };
}

import type { Component, ComponentFaults } from "../../chaos/reach.js";
import type { Clock } from "../../machinery/api/clock.js";
import { AdminError, adminCall, adminStream } from "../../machinery/runtime/admin-server.js";
import type { FaultLease } from "../../machinery/runtime/fault-points.js";
import type { ClusterFile } from "./cluster.js";
import { adminSocket } from "./processes.js";

const PATIENCE_MS = 5000;

/** The components' fault points over their admin sockets; an open connection is the lease. */
export class LiveComponents implements ComponentFaults {
  readonly #cluster: ClusterFile;
  readonly #clock: Clock;
  readonly #leases = new Map<string, AbortController>();

  constructor(cluster: ClusterFile, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async hold(component: Component, lease: FaultLease): Promise<void> {
    const connection = new AbortController();
    const path = `/faults/lease?lease=${encodeURIComponent(JSON.stringify(lease))}`;
    const stream = adminStream(adminSocket(this.#cluster, component), path, connection.signal);
    const patience = this.#clock.setTimer(PATIENCE_MS, () =>
      connection.abort(new RangeError(`${component} does not answer`)),
    );
    try {
      await stream.next();
    } catch (err) {
      throw connection.signal.aborted ? connection.signal.reason : readable(err, component);
    } finally {
      patience.cancel();
    }
    this.#leases.set(`${component} ${lease.id}`, connection);
    void this.#drain(stream);
  }

  async release(component: Component, id: string): Promise<void> {
    const key = `${component} ${id}`;
    try {
      await this.#call(component, "DELETE", `/faults?id=${encodeURIComponent(id)}`);
    } catch (err) {
      // Nobody there: its faults are gone with it.
      if (!(err instanceof AdminError && err.status === 0)) throw err;
    }
    this.#leases.get(key)?.abort();
    this.#leases.delete(key);
  }

  inspect(component: Component, path: string): Promise<unknown> {
    return this.#call(component, "GET", path);
  }

  async #call(component: Component, method: "GET" | "DELETE", path: string): Promise<unknown> {
    const patience = new AbortController();
    const timer = this.#clock.setTimer(PATIENCE_MS, () => patience.abort());
    try {
      return await adminCall(adminSocket(this.#cluster, component), method, path, undefined, patience.signal);
    } catch (err) {
      // Stopped, not gone: it still holds what it holds.
      if (patience.signal.aborted) throw new Error(`${component} does not answer`, { cause: err });
      throw err;
    } finally {
      timer.cancel();
    }
  }

  /** Reads to the end, whoever ends it: the component at the lease's end, a release, the component's death. */
  async #drain(stream: AsyncGenerator<unknown>): Promise<void> {
    try {
      while (!(await stream.next()).done);
    } catch {
      // A connection that broke is a lease that ended.
    }
  }
}

function readable(err: unknown, component: Component): Error {
  if (!(err instanceof AdminError)) return err as Error;
  if (err.status === 0) return new RangeError(`${component} is not running`);
  return new RangeError(`${component}: ${errorIn(err.message)}`);
}

function errorIn(body: string): string {
  try {
    return (JSON.parse(body) as { error?: string }).error ?? body;
  } catch {
    return body;
  }
}

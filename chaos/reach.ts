import type { Clock } from "../machinery/api/clock.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import type { FaultLease } from "../machinery/runtime/fault-points.js";

/** The processes of a cluster, as `kubesim status` names them. */
export const COMPONENTS = ["apiserver", "controllers", "kubelet", "proxy", "dataplane"] as const;
export type Component = (typeof COMPONENTS)[number];

/** What a fault reaches, live through admin sockets and signals, simulated by calls. */
export interface Reach {
  /** The administrator's, without any fault of its own. */
  client: RestClient;
  clock: Clock;
  components: ComponentFaults;
  processes: ProcessControl;
  store: StoreControl;
  signal: AbortSignal;
}

/** The fault points of the components. */
export interface ComponentFaults {
  /**
   * Resolves once injected. The component ends the fault at `endsAtMs`, on release, or when the holder is gone. Rejects with
   * RangeError when the component is not there, does not know the point, or refuses the parameters.
   */
  hold(component: Component, lease: FaultLease): Promise<void>;
  /** Idempotent, also for a component that was restarted meanwhile (its faults are gone with it). */
  release(component: Component, id: string): Promise<void>;
  /** One GET on a component's admin socket: tables, timelines, flows. */
  inspect(component: Component, path: string): Promise<unknown>;
}

/** What a supervisor can do to a process; all are idempotent. */
export interface ProcessControl {
  /** SIGKILL; the supervisor starts it again. */
  kill(component: Component): Promise<void>;
  /** SIGTERM, and started again. */
  restart(component: Component): Promise<void>;
  /** Ends it (SIGKILL) and keeps it down until `start`. */
  stop(component: Component): Promise<void>;
  start(component: Component): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(component: Component): Promise<void>;
  resume(component: Component): Promise<void>;
  /**
   * A second instance beside the first until `removeDuplicate`: a stand-by that waits for the lease, or with `split` one that
   * works without asking for it.
   */
  duplicate(component: "controllers" | "proxy", options?: { split?: boolean }): Promise<void>;
  removeDuplicate(component: "controllers" | "proxy"): Promise<void>;
  /** A read-only replica of the API server, so far behind; answers where it is, once it serves. There is one at most. */
  startReplica(lagMs: number): Promise<string>;
  stopReplica(): Promise<void>;
}

/** The API server's database file. Only while the API server is stopped; each rejects with RangeError otherwise. */
export interface StoreControl {
  /** Copies it aside, under a name; a copy of that name is kept as it is. */
  save(name: string): Promise<void>;
  /** Puts the copy back in its place and forgets it; without one nothing happens. */
  restore(name: string): Promise<void>;
  /** Turns one bit of a stored value over; `draw` (0 to 1) says which. */
  flipBit(draw: number): Promise<void>;
}

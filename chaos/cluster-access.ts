import type { RestClient } from "../machinery/client/rest-client.js";
import type { Clock } from "../machinery/api/clock.js";
import type { FlowRecord, Operation } from "./history.js";
import type { Component } from "./reach.js";
import type { ClusterShape, ManifestSource } from "./scenario/types.js";

/** A cluster as a scenario reaches it, live or simulated. */
export interface ClusterAccess {
  client: RestClient;
  clock: Clock;
  faults: FaultHost;
  /** What is known of how the cluster was made; what is not known is absent. */
  shape(): Promise<ClusterShape>;
  /** Creates or updates the objects, also those that the files hold. */
  apply(manifests: readonly ManifestSource[], signal: AbortSignal): Promise<void>;
  /** One request from outside the cluster, through a node port. Never rejects. */
  requestFromHost(request: HostRequest): Promise<HostAnswer>;
  /** The flow log between two times. */
  flows(fromMs: number, toMs: number): Promise<FlowRecord[]>;
  /** One GET on a component's admin handlers: tables, timelines, faults. */
  inspect(component: Component, path: string): Promise<unknown>;
  /** Names of the cluster's processes that run now, in any order. Absent: nobody can say. */
  processes?(): Promise<string[]>;
  /** Tells, until the signal aborts, when whoever holds the cluster's faults is gone or going. Absent: that cannot be. */
  onLost?(tell: (why: string) => void, signal: AbortSignal): void;
}

export interface HostRequest {
  nodePort: number;
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  timeoutMs: number;
  keepAlive: boolean;
  /** Also answer with the start of the body, at most so many bytes. */
  bodyBytes?: number;
}

/** `ok` is any whole answer, whatever its status. */
export interface HostAnswer extends Pick<Operation, "outcome" | "status" | "error" | "local"> {
  body?: string;
}

/** A fault that was chosen and is to be made. */
export interface FaultRequest {
  id: string;
  /** Name of a fault. */
  fault: string;
  target: unknown;
  endsAtMs: number;
}

/** Who holds faults: the supervisor live, the simulated cluster otherwise. */
export interface FaultHost {
  /**
   * Writes the fault to the journal, then injects it. Resolves once it acts; it is healed at its end, on release, or when the
   * runner is gone, whichever is first. Rejects with RangeError when the target is not there, faults are off, or another
   * fault holds the same target.
   */
  hold(request: FaultRequest): Promise<HeldFault>;
}

export interface HeldFault {
  /** Asks for the end now; resolves with `healed`. */
  release(): Promise<Healing>;
  /** Resolves once the fault is healed, whoever ended it. Never rejects. */
  healed: Promise<Healing>;
}

export interface Healing {
  atMs: number;
  /** Healing failed, and is tried again at the next `up` or `down`. */
  error?: string;
}

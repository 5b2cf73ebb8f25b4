import type { Rng } from "../machinery/api/rng.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { Operation } from "./history.js";
import type { TrafficSpec } from "./scenario/types.js";

export interface WorkloadContext {
  cluster: ClusterAccess;
  rng: Rng;
  durationMs: number;
  signal: AbortSignal;
}

/** A client that sends requests for the run's duration and answers with all of them. */
export interface Workload {
  /** Resolves once it is ready to send. */
  prepare(context: WorkloadContext, spec: TrafficSpec): Promise<RunningWorkload>;
}

export interface RunningWorkload {
  /** Sends until the duration is over; resolves with every request. */
  run(): Promise<Operation[]>;
  /** Removes what `prepare` made. Idempotent. */
  dispose(): Promise<void>;
}

import type { RestClient } from "../machinery/client/rest-client.js";
import type { Clock } from "../machinery/api/clock.js";
import type { FlowRecord, Operation } from "./history.js";

/** A cluster as a scenario reaches it, live or simulated. */
export interface ClusterAccess {
  client: RestClient;
  clock: Clock;
  /** Creates or updates what the files hold. */
  apply(paths: readonly string[], signal: AbortSignal): Promise<void>;
  /** One GET from outside the cluster, through a node port. Never rejects. */
  requestFromHost(nodePort: number, timeoutMs: number, keepAlive: boolean): Promise<HostAnswer>;
  /** The flow log between two times. */
  flows(fromMs: number, toMs: number): Promise<FlowRecord[]>;
}

export type HostAnswer = Pick<Operation, "outcome" | "status" | "error" | "local">;

import type { LoadBalancerIngress, Service } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

export interface BalancerStatus {
  ingress: LoadBalancerIngress[];
  /** What the user should know of it: a port that is another than wanted. */
  warnings: readonly string[];
  /** Annotations of the Service that ask for what this cloud has not. */
  ignored?: readonly string[];
}

/** What a cloud offers (upstream: cloudprovider.LoadBalancer). Keys are of Services. */
export interface CloudLoadBalancers {
  has(key: string): boolean;
  /**
   * Makes the balancer be as the Service says, and keeps it until it is deleted or the signal aborts. Rejects with Error,
   * then it is tried again. `nodes` are the names of those that may get traffic.
   */
  ensure(
    key: string,
    service: DeepReadonly<Service>,
    nodes: readonly string[],
    signal: AbortSignal,
  ): Promise<BalancerStatus>;
  delete(key: string): Promise<void>;
}

import type { Balancer } from "./balancer.js";
import { iptables } from "./iptables.js";
import { ipvsRoundRobin } from "./ipvs-rr.js";

/** Every balancer that the data plane offers; the first is the default. */
export const balancers: readonly Balancer[] = [iptables, ipvsRoundRobin];

export const balancerNamed = (name: string): Balancer | undefined =>
  balancers.find((balancer) => balancer.name === name);

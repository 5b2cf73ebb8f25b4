import type { Balancer } from "./balancer.js";
import { ipvsRoundRobin } from "./ipvs-rr.js";

/** kube-proxy's first mode: round robin; an endpoint that does not answer is passed over for the next. */
export const userspace: Balancer = { name: "userspace", mode: "userspace", pick: ipvsRoundRobin.pick };

import type { Balancer } from "./balancer.js";
import { iptables } from "./iptables.js";
import { ipvsDestinationHash } from "./ipvs-dh.js";
import { ipvsLocality } from "./ipvs-lblc.js";
import { ipvsReplicatedLocality } from "./ipvs-lblcr.js";
import { ipvsLeastConnections } from "./ipvs-lc.js";
import { ipvsMaglev } from "./ipvs-mh.js";
import { ipvsNeverQueue } from "./ipvs-nq.js";
import { ipvsRoundRobin } from "./ipvs-rr.js";
import { ipvsShortestDelay } from "./ipvs-sed.js";
import { ipvsSourceHash } from "./ipvs-sh.js";
import { ipvsWeightedLeastConnections } from "./ipvs-wlc.js";
import { ipvsWeightedRoundRobin } from "./ipvs-wrr.js";
import { nftables } from "./nftables.js";
import { userspace } from "./userspace.js";

/** Every balancer that the data plane offers; the first is the default. */
export const balancers: readonly Balancer[] = [
  iptables,
  nftables,
  ipvsRoundRobin,
  ipvsWeightedRoundRobin,
  ipvsLeastConnections,
  ipvsWeightedLeastConnections,
  ipvsLocality,
  ipvsReplicatedLocality,
  ipvsSourceHash,
  ipvsDestinationHash,
  ipvsShortestDelay,
  ipvsNeverQueue,
  ipvsMaglev,
  userspace,
];

/** `ipvs` alone is `ipvs-rr`, as for kube-proxy. */
export const balancerNamed = (name: string): Balancer | undefined =>
  balancers.find((balancer) => balancer.name === (name === "ipvs" ? "ipvs-rr" : name));

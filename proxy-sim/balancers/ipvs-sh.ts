import type { Balancer } from "./balancer.js";
import { bucketFor } from "./hashing.js";

/** Source hash: a client keeps its endpoint as long as the endpoints stay the same. */
export const ipvsSourceHash: Balancer = {
  name: "ipvs-sh",
  mode: "ipvs",
  pick: (backends, _, { clientIp }) => bucketFor(backends, clientIp),
};

import type { Balancer } from "./balancer.js";
import { bucketFor } from "./hashing.js";

/** Destination hash, made for caches: a Service's address is always the same, so one endpoint gets everything. */
export const ipvsDestinationHash: Balancer = {
  name: "ipvs-dh",
  mode: "ipvs",
  pick: (backends, _, { destinationIp }) => bucketFor(backends, destinationIp),
};

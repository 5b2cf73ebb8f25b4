import type { Balancer } from "./balancer.js";

/** `numgen random mod N vmap`: each endpoint has the same chance. */
export const nftables: Balancer = {
  name: "nftables",
  mode: "nftables",
  pick: (backends, { rng }) => rng.pick(backends),
};

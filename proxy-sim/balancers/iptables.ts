import type { Balancer } from "./balancer.js";

/** The statistic match of iptables mode: each endpoint has the same chance, connection by connection. */
export const iptables: Balancer = {
  name: "iptables",
  mode: "iptables",
  pick: (backends, { rng }) => rng.pick(backends),
};

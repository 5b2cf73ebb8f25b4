import type { PortRecord } from "../evidence.js";
import { inspected } from "../recovery.js";
import type { Witness } from "../witness.js";

/** Since when, and until when, somebody listened on each port of each pod. */
export const portsWitness: Witness = {
  name: "ports",
  start: async ({ cluster }) => ({
    testify: async () => ({ ports: ((await inspected(cluster, "kubelet", "/ports")) ?? []) as PortRecord[] }),
  }),
};

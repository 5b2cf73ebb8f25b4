import type { Backend } from "../dataplane/table.js";
import type { NewConnection } from "./balancer.js";

/** More connections than its weight, while another endpoint has fewer than half of its own. */
export const isOverloaded = (
  server: Backend,
  backends: readonly Backend[],
  { active }: NewConnection,
): boolean => active(server) > server.weight && backends.some((other) => active(other) * 2 < other.weight);

import { nodes } from "../machinery/api/core-v1.js";
import { cidrContains } from "../machinery/network/addresses.js";
import type { ClusterAccess } from "./cluster-access.js";
import { inspected } from "./recovery.js";
import type { ClusterShape } from "./scenario/types.js";
import { ZONE_LABEL } from "./targets.js";

/** In what the cluster is not as a scenario wants it; empty when it fits. What nobody can tell is taken as fitting. */
export async function differences(cluster: ClusterAccess, wanted: ClusterShape): Promise<string[]> {
  const known = await cluster.shape();
  const { items } = await cluster.client.list(nodes);
  const found: string[] = [];
  const expect = (what: string, wants: unknown, has: unknown): void => {
    if (wants !== undefined && has !== undefined && JSON.stringify(wants) !== JSON.stringify(has))
      found.push(`${what}: wants ${show(wants)}, has ${show(has)}`);
  };
  expect("nodes", wanted.nodes, items.length);
  const zones = items.flatMap(({ metadata }) => metadata.labels?.[ZONE_LABEL] ?? []);
  expect("zones", wanted.zones && [...wanted.zones].sort(), [...new Set(zones)].sort());
  expect("proxyMode", wanted.proxyMode, known.proxyMode ?? (wanted.proxyMode && (await proxyMode(cluster))));
  for (const name of ["ipvsScheduler", "reusePolicy", "historyMs", "latencies", "images"] as const)
    expect(name, wanted[name], known[name]);
  const outside = items.find(
    ({ spec }) => wanted.podCIDR && spec.podCIDR && !isWithin(spec.podCIDR, wanted.podCIDR),
  );
  if (outside)
    found.push(`podCIDR: wants ${wanted.podCIDR}, ${outside.metadata.name} has ${outside.spec.podCIDR}`);
  return found;
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const isWithin = (inner: string, outer: string): boolean => cidrContains(outer, inner.split("/")[0] ?? "");

/** The mode of all nodes; `mixed` when they differ, undefined when the proxy does not say. */
async function proxyMode(cluster: ClusterAccess): Promise<string | undefined> {
  const routes = (await inspected(cluster, "proxy", "/nodes")) as { mode?: string }[] | undefined;
  const modes = new Set((routes ?? []).flatMap(({ mode }) => mode?.replace(/^ipvs-.*/, "ipvs") ?? []));
  return modes.size > 1 ? "mixed" : [...modes][0];
}

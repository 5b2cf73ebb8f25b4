import type { ServicePortRoute } from "../proxy-sim/dataplane/table.js";
import type { DataPlaneRecord } from "./evidence.js";

/** What a node's table said about a service port, from one flow on. */
export interface RouteVersion {
  firstFlow: number;
  atMs: number;
  revision: number;
  /** Absent: nothing any more. */
  route?: ServicePortRoute;
}

/** By node, then by service port: every version there was, in order. */
export type TableVersions = ReadonlyMap<string, ReadonlyMap<string, readonly RouteVersion[]>>;

/** The tables of one data plane over time. */
export function tableVersions({ tables, firstFlow, changes }: DataPlaneRecord): TableVersions {
  const byNode = new Map<string, Map<string, RouteVersion[]>>();
  const note = (node: string, servicePort: string, version: RouteVersion): void => {
    let ports = byNode.get(node);
    if (!ports) byNode.set(node, (ports = new Map<string, RouteVersion[]>()));
    const versions = ports.get(servicePort);
    if (versions) versions.push(version);
    else ports.set(servicePort, [version]);
  };
  for (const { nodes, revision, routes } of tables)
    for (const route of routes)
      for (const node of nodes)
        note(node, route.servicePort, { firstFlow, atMs: Number.NEGATIVE_INFINITY, revision, route });
  for (const { nodes, set, remove, ...at } of changes) {
    const version = { firstFlow: at.firstFlow, atMs: at.atMs, revision: at.revision };
    for (const node of nodes) {
      for (const servicePort of remove) note(node, servicePort, version);
      for (const route of set) note(node, route.servicePort, { ...version, route });
    }
  }
  return byNode;
}

/** The version that decided a flow, and those after it. */
export function versionsFrom(
  versions: readonly RouteVersion[],
  flow: number,
): { current: RouteVersion | undefined; later: readonly RouteVersion[] } {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((versions[middle]?.firstFlow ?? 0) <= flow) low = middle + 1;
    else high = middle;
  }
  return { current: versions[low - 1], later: versions.slice(low) };
}

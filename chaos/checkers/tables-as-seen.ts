import type { ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { DataPlaneRecord } from "../evidence.js";
import type { History } from "../history.js";
import { tablesWitness } from "../witnesses/tables.js";

/**
 * After each change, each node's table equals the one that is computed anew from everything that its proxy knew at that
 * revision. Tables without rules, as after a crash, wait for their proxy and are passed over.
 */
export const tablesAsSeen: Checker = {
  name: "tables-as-seen",
  summary: "every node's table is the pure function of the Services and EndpointSlices it has seen",
  witnesses: [tablesWitness],
  check(history) {
    const { dataPlanes = [], views = [] } = history.evidence ?? {};
    const expected = new Map(
      views.map(({ revision, routes }) => [
        revision,
        new Map(routes.map((route) => [route.servicePort, route])),
      ]),
    );
    const found = dataPlanes
      .filter(({ incomplete }) => !incomplete)
      .map((plane) => compare(plane, expected, history));
    const judged = found.reduce((sum, { compared }) => sum + compared, 0);
    const violations = found.flatMap(({ differences }) => differences);
    return verdictOf(
      violations,
      `${judged} tables equal what their proxies had seen`,
      `${violations.length} service ports of ${judged} tables differ from what their proxies had seen`,
    );
  },
};

type Routes = ReadonlyMap<string, ServicePortRoute>;

function compare(plane: DataPlaneRecord, expected: ReadonlyMap<number, Routes>, history: History) {
  const tables = new Map<string, Map<string, ServicePortRoute>>();
  for (const { nodes, routes } of plane.tables)
    for (const node of nodes) tables.set(node, new Map(routes.map((route) => [route.servicePort, route])));
  const differences: string[] = [];
  let compared = 0;
  for (const { nodes, set, remove, revision, atMs } of plane.changes) {
    const view = expected.get(revision);
    for (const node of nodes) {
      const table = tables.get(node) ?? new Map<string, ServicePortRoute>();
      tables.set(node, table);
      for (const servicePort of remove) table.delete(servicePort);
      for (const route of set) table.set(route.servicePort, route);
      if (!view || revision === 0) continue;
      compared += 1;
      const where = `${secondsIn(history, atMs)} ${node || "hosts"}, table ${revision}`;
      differences.push(...differencesOf(table, view).map((text) => `${where}: ${text}`));
    }
  }
  return { compared, differences };
}

function differencesOf(table: Routes, view: Routes): string[] {
  const missing = [...view.keys()].filter((servicePort) => !table.has(servicePort));
  const others = [...table].filter(([servicePort, route]) => textOf(route) !== textOf(view.get(servicePort)));
  return [
    ...missing.map((servicePort) => `${servicePort} is missing`),
    ...others.map(
      ([servicePort, route]) =>
        `${servicePort} is ${described(route)}, and should be ${described(view.get(servicePort))}`,
    ),
  ];
}

const texts = new WeakMap<ServicePortRoute, string>();

/** Routes stand in many tables: each is written down once. */
function textOf(route: ServicePortRoute | undefined): string {
  if (!route) return "";
  let text = texts.get(route);
  if (text === undefined) {
    const backends = route.backends
      .map((backend) => JSON.stringify(backend))
      .sort((a, b) => (a < b ? -1 : 1));
    text = JSON.stringify({ ...route, backends });
    texts.set(route, text);
  }
  return text;
}

const described = (route: ServicePortRoute | undefined): string =>
  route
    ? `${route.clusterIPs.join(", ")}:${route.port} → ${route.backends.map(({ ip, port, ready }) => `${ip}:${port}${ready ? "" : " (not ready)"}`).join(", ") || "nobody"} (Service at ${route.serviceResourceVersion})`
    : "away";

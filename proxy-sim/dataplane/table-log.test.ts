import { expect, test } from "@jest/globals";
import { RouteTable } from "./route-table.js";
import type { ServicePortRoute } from "./table.js";
import { TableLog } from "./table-log.js";

const route = (servicePort: string): ServicePortRoute => ({
  servicePort,
  serviceResourceVersion: "1",
  protocol: "TCP",
  clusterIPs: ["10.96.0.1"],
  port: 80,
  externalIPs: [],
  loadBalancerIPs: [],
  internalTrafficPolicy: "Cluster",
  externalTrafficPolicy: "Cluster",
  backends: [],
});

const first = RouteTable.empty.apply(1, [route("default/a"), route("default/b")], []);
const second = first.apply(2, [route("default/c")], ["default/a"]);

test("each change of tables says from which flow on, on which nodes, and what differs", () => {
  let flow = 1;
  const log = new TableLog({ nowMs: () => 7, nextFlow: () => flow });
  for (const node of ["node-1", "node-2"]) log.note(node, RouteTable.empty, first);
  flow = 5;
  for (const node of ["node-1", "node-2"]) log.note(node, first, second);
  log.note("node-1", second, second);
  log.note("node-1", second, RouteTable.empty);

  const { changes, complete, next } = log.since(1);

  expect({ complete, next }).toEqual({ complete: true, next: 4 });
  expect(
    changes.map(({ firstFlow, nodes, revision, set, remove }) => ({
      firstFlow,
      nodes,
      revision,
      set: set.map(({ servicePort }) => servicePort).sort(),
      remove: [...remove].sort(),
    })),
  ).toEqual([
    { firstFlow: 1, nodes: ["node-1", "node-2"], revision: 1, set: ["default/a", "default/b"], remove: [] },
    { firstFlow: 5, nodes: ["node-1", "node-2"], revision: 2, set: ["default/c"], remove: ["default/a"] },
    { firstFlow: 5, nodes: ["node-1"], revision: 0, set: [], remove: ["default/b", "default/c"] },
  ]);
});

test("who asks for changes that are forgotten is told so", () => {
  const log = new TableLog({ nowMs: () => 0, nextFlow: () => 1, capacity: 2 });
  for (let i = 0; i < 5; i++) log.note("node-1", i % 2 ? first : second, i % 2 ? second : first);

  expect(log.since(1).complete).toBe(false);
  expect(log.since(4)).toMatchObject({ complete: true, next: 6 });
  expect(log.since(6)).toEqual({ complete: true, next: 6, changes: [] });
});

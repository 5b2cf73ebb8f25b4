import { expect, test } from "@jest/globals";
import type { Service } from "../machinery/api/core-v1.js";
import type { EndpointSlice } from "../machinery/api/discovery-v1.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import type { Balancer } from "./balancers/balancer.js";
import { balancers } from "./balancers/balancers.js";
import type { Packet, Verdict } from "./dataplane/decision.js";
import { Router } from "./dataplane/router.js";
import type { NodeRoute } from "./dataplane/table.js";
import { routesOf } from "./rules.js";
import { ALL_MODES, clients, PODS, type Row, rows } from "./verdict-cases.js";

const aNode = (number: number, zone: string): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:${number}::/64`],
  carrier: "kubelet",
  zone,
});

const NODES = [aNode(1, "east"), aNode(2, "west"), aNode(3, "east")];

const metadata = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

function aRouter(balancer: Balancer, { spec = {}, endpoints }: Pick<Row, "spec" | "endpoints">): Router {
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata("web"),
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.20",
      sessionAffinity: "None",
      ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
      ...spec,
    },
    status: { loadBalancer: spec.type === "LoadBalancer" ? { ingress: [{ ip: "203.0.113.9" }] } : {} },
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata("web-abcde"),
    addressType: "IPv4",
    endpoints,
    ports: [{ port: 8080, protocol: "TCP" }],
  };
  const router = new Router({
    clock: systemClock(),
    rng: seededRng("verdicts"),
    balancer,
    hosts: {},
    serviceCIDRs: ["10.96.0.0/12"],
  });
  const table = { from: 0, to: 1, set: routesOf(service, [slice]), remove: [] };
  router.program({ full: true, nodes: { set: NODES, remove: [] }, tables: [table] });
  return router;
}

function packetOf({ client, to }: Row, number: number): Packet {
  const { from, ...entered } = clients[client];
  const colon = to.lastIndexOf(":");
  return {
    protocol: "TCP",
    from: { ip: from, port: 40_000 + number },
    to: { ip: to.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(to.slice(colon + 1)) },
    ...entered,
  };
}

/** A verdict, or the pods that a hundred connections reached; hashing schedulers stay with one of those allowed. */
function outcomeOf(balancer: Balancer, row: Row): { outcome: string[] | Verdict; seenAs: Set<string> } {
  const router = aRouter(balancer, row);
  const reached = new Set<string>();
  const seenAs = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const decision = router.decide(packetOf(row, i));
    if (decision.verdict !== "forward") return { outcome: decision.verdict, seenAs };
    const name = Object.entries(PODS).find(([, { addresses }]) => addresses[0] === decision.to.ip)?.[0];
    reached.add(name ?? `nobody at ${decision.to.ip}`);
    seenAs.add(decision.from.ip);
  }
  return { outcome: [...reached].sort(), seenAs };
}

const STICKY = new Set([
  "ipvs-sh",
  "ipvs-dh",
  "ipvs-mh",
  "ipvs-lblc",
  "ipvs-lblcr",
  "ipvs-lc",
  "ipvs-wlc",
  "ipvs-sed",
  "ipvs-nq",
]);

test.each(rows)("$title ($client → $to)", (row) => {
  const modes = row.modes ?? ALL_MODES;
  for (const balancer of balancers.filter(({ mode }) => modes.includes(mode))) {
    const { outcome, seenAs } = outcomeOf(balancer, row);
    const expected = balancer.mode === "userspace" && row.expected === "refused" ? "closed" : row.expected;
    if (Array.isArray(expected) && Array.isArray(outcome) && STICKY.has(balancer.name))
      expect(expected).toEqual(expect.arrayContaining(outcome));
    else expect({ balancer: balancer.name, outcome }).toEqual({ balancer: balancer.name, outcome: expected });
    const client = balancer.mode === "userspace" && row.seenAs === "client" ? undefined : row.seenAs;
    if (client !== undefined)
      expect([...seenAs]).toEqual([client === "client" ? clients[row.client].from : client]);
  }
});

import { expect, test } from "@jest/globals";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { iptables } from "../balancers/iptables.js";
import { ipvsRoundRobin } from "../balancers/ipvs-rr.js";
import { Router } from "../dataplane/router.js";
import { aBackend, aRoute } from "../dataplane/testing.js";
import { explain } from "../dataplane/trace.js";

const named = (i: number) => `default/web-${String(i).padStart(5, "0")}`;

function aRouter(services: number): Router {
  const router = new Router({
    clock: systemClock(),
    rng: seededRng("walk"),
    balancer: iptables,
    hosts: {},
    serviceCIDRs: [],
  });
  const set = Array.from({ length: services }, (_, i) =>
    aRoute(named(i), {
      clusterIPs: [`10.96.${i >> 8}.${i & 255}`],
      nodePort: 30_000 + i,
      backends: [aBackend("10.244.1.2")],
    }),
  );
  const node = {
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.1.0/24"],
    carrier: "kubelet",
  };
  router.program({
    full: true,
    nodes: { set: [node], remove: [] },
    tables: [{ from: 0, to: 1, set, remove: [] }],
  });
  return router;
}

const walked = (router: Router, ip: string, port = 80) =>
  explain(router, { protocol: "TCP", from: { ip: "10.244.1.9", port: 40_000 }, to: { ip, port } })
    .rulesWalked;

test("in iptables mode a kernel walks past every Service before the one that is meant", () => {
  const router = aRouter(300);
  // PREROUTING's, its place in KUBE-SERVICES, masquerade and jump of its chain, two of its endpoint's.
  expect(walked(router, "10.96.0.0")).toBe(1 + 1 + 2 + 2);
  expect(walked(router, "10.96.1.43")).toBe(1 + 300 + 2 + 2);
  // Every Service, the jump to KUBE-NODEPORTS, its place there, two of KUBE-EXT, then as above.
  expect(walked(router, "172.18.0.3", 30_009)).toBe(1 + 300 + 1 + 10 + 2 + 2 + 2);
  expect(walked(router, "10.244.1.2")).toBe(1 + 300 + 1);
});

test("a trace says why the others were not chosen, in the words of the node's mode", () => {
  const router = aRouter(0);
  const backends = [
    aBackend("10.244.2.2", { nodeName: "node-2" }),
    aBackend("fd00:2::2", { nodeName: "node-2" }),
  ];
  const route = aRoute("default/web", { internalTrafficPolicy: "Local", backends });
  router.program({ tables: [{ from: 1, to: 2, set: [route], remove: [] }] });
  const packet = {
    protocol: "TCP" as const,
    from: { ip: "10.244.1.9", port: 40_000 },
    to: { ip: "10.96.0.10", port: 80 },
  };
  const traced = () => {
    const { verdict, endpoints } = explain(router, packet);
    return [verdict, ...endpoints.map(({ why }) => why)];
  };
  expect(traced()).toEqual([
    "timed-out",
    "on node node-2, and the traffic policy is Local",
    "of the other address family",
  ]);
  router.useBalancers(ipvsRoundRobin);
  expect(explain(router, packet).rulesWalked).toBeUndefined();
  expect(traced().slice(1)).toEqual([
    "one of the eligible, drawn by the balancer",
    "of the other address family",
  ]);
});

import { expect, test } from "@jest/globals";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { balancerNamed } from "../balancers/balancers.js";
import type { Packet } from "../dataplane/decision.js";
import { Router } from "../dataplane/router.js";
import { aBackend, aRoute } from "../dataplane/testing.js";
import { explain } from "../dataplane/trace.js";
import { endpointChain, iptablesSuffix, nftablesEndpointName, nftablesName } from "./names.js";

const backend = aBackend("10.244.1.2", { nodeName: "node-1" });
const web = aRoute("default/web", {
  backends: [backend],
  nodePort: 30_080,
  loadBalancerIPs: ["203.0.113.9"],
  loadBalancerSourceRanges: ["192.0.2.0/24"],
});
const dead = aRoute("default/dead", { clusterIPs: ["10.96.0.11"], nodePort: 30_081 });

const packet = (from: string, ip: string, port: number, more: Partial<Packet> = {}): Packet => ({
  protocol: "TCP",
  from: { ip: from, port: 40_000 },
  to: { ip, port },
  ...more,
});
const fromPod = packet("10.244.1.9", "10.96.0.10", 80);
const fromNode = packet("172.18.0.3", "127.0.0.1", 30_080);
const fromOutside = packet("198.51.100.1", "203.0.113.9", 80, { enteredAt: "node-1" });
const toDead = packet("10.244.1.9", "10.96.0.11", 80);

function chains(mode: string, sent: Packet): string[] {
  const balancer = balancerNamed(mode);
  if (!balancer) throw new Error(mode);
  const router = new Router({
    clock: systemClock(),
    rng: seededRng("chains"),
    balancer,
    hosts: {},
    serviceCIDRs: [],
  });
  const node = {
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.1.0/24"],
    carrier: "kubelet",
  };
  router.program({
    nodes: { set: [node], remove: [] },
    tables: [{ from: 0, to: 1, set: [web, dead], remove: [] }],
  });
  return explain(router, sent).chains;
}

test("iptables mode leads a packet through the chains that kube-proxy would have written", () => {
  const suffix = iptablesSuffix(web);
  const endpoint = endpointChain(web, backend);
  expect(chains("iptables", fromPod)).toEqual([
    "PREROUTING",
    "KUBE-SERVICES",
    `KUBE-SVC-${suffix}`,
    endpoint,
  ]);
  expect(chains("iptables", fromNode)).toEqual([
    "OUTPUT",
    "KUBE-SERVICES",
    "KUBE-NODEPORTS",
    `KUBE-EXT-${suffix}`,
    `KUBE-SVC-${suffix}`,
    endpoint,
    "KUBE-POSTROUTING",
  ]);
  expect(chains("iptables", fromOutside)).toEqual(["KUBE-PROXY-FIREWALL", `KUBE-FW-${suffix}`, "DROP"]);
  expect(chains("iptables", toDead)).toEqual(["KUBE-SERVICES", "REJECT"]);
});

test("nftables mode finds the chain in a map, ipvs a virtual server, userspace the proxy itself", () => {
  const name = nftablesName(web);
  expect(chains("nftables", fromPod)).toEqual([
    "nat-prerouting",
    "services",
    "@service-ips",
    `service-${name}`,
    nftablesEndpointName(web, backend),
  ]);
  expect(chains("nftables", toDead)).toEqual([
    "service-endpoints-check",
    "@no-endpoint-services",
    "reject-chain",
  ]);
  expect(chains("ipvs-lc", fromPod)).toEqual([
    "PREROUTING",
    "KUBE-SERVICES (set KUBE-CLUSTER-IP)",
    "virtual server TCP 10.96.0.10:80 lc",
    "real server 10.244.1.2:8080 Masq",
  ]);
  expect(chains("userspace", toDead)).toEqual([
    "PREROUTING",
    "KUBE-PORTALS-CONTAINER",
    "the proxy's own socket",
    "closed",
  ]);
});

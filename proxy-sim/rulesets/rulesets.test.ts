import { expect, test } from "@jest/globals";
import type { ServicePortRoute } from "../dataplane/table.js";
import { aBackend, aRoute } from "../dataplane/testing.js";
import { iptablesSave } from "./iptables.js";
import { ipvsadm } from "./ipvs.js";
import { iptablesSuffix, nftablesEndpointName, nftablesName } from "./names.js";
import { nftList } from "./nftables.js";
import type { NodeTable } from "./node-table.js";

const aTable = (...routes: ServicePortRoute[]): NodeTable => ({
  node: "node-1",
  nodeIP: "172.18.0.3",
  routes,
});
const three = ["10.244.1.2", "10.244.1.3", "10.244.2.2"].map((ip) =>
  aBackend(ip, { nodeName: ip.startsWith("10.244.1.") ? "node-1" : "node-2" }),
);

test("chains have the names that every cluster has", () => {
  expect(iptablesSuffix(aRoute("default/kubernetes:https"))).toBe("NPX46M4PTMTKRN6Y");
  expect(iptablesSuffix(aRoute("kube-system/kube-dns:dns", { protocol: "UDP" }))).toBe("TCOU7JCQXEZGVUNU");
  expect(iptablesSuffix(aRoute("kube-system/kube-dns:dns-tcp"))).toBe("ERIFXISQEP7F7OF4");
  expect(nftablesName(aRoute("ns1/svc1:p80"))).toBe("ULMVA6XW-ns1/svc1/tcp/p80");
  expect(nftablesEndpointName(aRoute("ns1/svc1:p80"), aBackend("10.180.0.1", { port: 80 }))).toBe(
    "endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80",
  );
});

test("iptables gives each endpoint of three the rest of the chance", () => {
  const saved = iptablesSave(aTable(aRoute("default/web", { backends: three, nodePort: 30_080 })));
  expect(saved.match(/--probability \S+/g)).toEqual([
    "--probability 0.33333333349",
    "--probability 0.50000000000",
  ]);
  expect(saved).toContain("--to-destination 10.244.1.3:8080");
  expect(saved).toContain("masquerade traffic for default/web external destinations");
  const declared = new Set([...saved.matchAll(/^:(\S+)/gm)].map(([, chain]) => chain));
  for (const [, chain] of saved.matchAll(/-j (KUBE-\S+)/g)) expect(declared).toContain(chain);
});

test("what nobody serves is rejected, and what only other nodes serve is dropped", () => {
  const dead = aTable(aRoute("default/web", { nodePort: 30_080 }));
  expect(iptablesSave(dead)).toContain('"default/web has no endpoints" -m tcp --dport 80 -j REJECT');
  expect(nftList(dead)).toContain('10.96.0.10 . tcp . 80 comment "default/web" : goto reject-chain');
  const elsewhere = aTable(
    aRoute("default/web", {
      nodePort: 30_080,
      internalTrafficPolicy: "Local",
      externalTrafficPolicy: "Local",
      backends: three.slice(2),
    }),
  );
  expect(iptablesSave(elsewhere).match(/has no local endpoints.* -j DROP/g)).toHaveLength(2);
  expect(nftList(elsewhere)).toContain('tcp . 30080 comment "default/web" : drop');
  expect(ipvsadm(elsewhere)).toContain("-> 10.244.2.2:8080");
});

test("the IPv6 half of a Service is a rule set of its own, and a Service without that half has none", () => {
  const backends = [...three.slice(0, 1), aBackend("fd00:10:244:1::2", { nodeName: "node-1" })];
  const dual = aRoute("default/web", {
    clusterIPs: ["10.96.0.10", "fd00:10:96::a"],
    nodePort: 30_080,
    sessionAffinitySeconds: 10_800,
    backends,
  });
  const table = { ...aTable(dual, aRoute("default/old", { backends })), nodeIP: "fc00:f853:ccd:e793::3" };
  const saved = iptablesSave(table);
  expect(saved).toContain("-d fd00:10:96::a/128 -p tcp");
  expect(saved).toContain("-m tcp -j DNAT --to-destination [fd00:10:244:1::2]:8080");
  expect(saved).toContain("--mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource");
  expect(saved).not.toMatch(/10\.(96|244)\.|default\/old/);
  expect(iptablesSave({ ...table, routes: [{ ...dual, backends: [] }] })).toContain("icmp6-port-unreachable");
  const listed = nftList(table);
  expect(listed).toMatch(/^table ip6 kube-proxy \{/);
  expect(listed).toContain("fd00:10:96::a . tcp . 80 : goto service-");
  expect(listed).toContain("meta l4proto tcp dnat to [fd00:10:244:1::2]:8080");
  expect(listed).toMatch(/set affinity-\S+ \{\n\t\ttype ipv6_addr\n.*\n.*\n\t\ttimeout 3h/);
  expect(listed).not.toMatch(/\bip (saddr|daddr)|ipv4/);
  expect(ipvsadm(table)).toContain(
    "TCP  [fd00:10:96::a]:80 rr persistent 10800\n  -> [fd00:10:244:1::2]:8080",
  );
});

test("policy Local has chains of its own with this node's endpoints", () => {
  const table = aTable(aRoute("default/web", { backends: three, internalTrafficPolicy: "Local" }));
  const local = iptablesSave(table)
    .split("\n")
    .filter((line) => line.startsWith("-A KUBE-SVL-"));
  expect(local.filter((line) => line.includes(" -> "))).toHaveLength(2);
  expect(nftList(table)).toMatch(/chain local-\S+ \{[^}]*numgen random mod 2 vmap/);
});

test("session affinity and source ranges are in every shape that has them", () => {
  const table = aTable(
    aRoute("default/web", {
      backends: three,
      sessionAffinitySeconds: 600,
      loadBalancerIPs: ["203.0.113.9"],
      loadBalancerSourceRanges: ["192.0.2.0/24"],
    }),
  );
  expect(iptablesSave(table).match(/--rcheck --seconds 600 --reap/g)).toHaveLength(3);
  expect(iptablesSave(table)).toMatch(/-A KUBE-FW-\S+ -s 192.0.2.0\/24 .* -j RETURN/);
  expect(ipvsadm(table, "mh")).toContain("TCP  10.96.0.10:80 mh persistent 600");
  expect(nftList(table)).toContain("ip saddr != { 192.0.2.0/24 } drop");
});

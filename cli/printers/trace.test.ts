import { expect, test } from "@jest/globals";
import type { Explanation } from "../../proxy-sim/dataplane/trace.js";
import { aBackend, aRoute } from "../../proxy-sim/dataplane/testing.js";
import { printTrace, type Trace } from "./trace.js";

const backend = aBackend("fd00:10:244:2::2", { nodeName: "node-2", pod: "default/web-0" });
const { backends: _, ...route } = aRoute("default/web", { sessionAffinitySeconds: 60 });

const explanation: Explanation = {
  verdict: "forward",
  sourceNode: "node-1",
  node: "node-1",
  tableRevision: 12,
  route,
  scope: "cluster",
  policy: "Cluster",
  affinity: true,
  balancer: "iptables",
  rulesWalked: 7,
  chains: ["PREROUTING", "KUBE-SERVICES", "KUBE-SVC-A", "KUBE-SEP-B", "KUBE-POSTROUTING"],
  backend,
  from: { ip: "fd00:10:244:1::1", port: 40_000 },
  to: { ip: backend.ip, port: 8080 },
  destinationNode: "node-2",
  endpoints: [
    { backend, chosen: true, why: "this client used it last (session affinity)" },
    { backend: aBackend("10.244.2.2"), chosen: false, why: "of the other address family" },
  ],
};

const trace: Trace = {
  from: "pod default/client (fd00:10:244:1::9) on node-1",
  target: "http://web",
  asked: [
    { name: "web.default.svc.cluster.local", type: "AAAA", rcode: "NXDOMAIN", addresses: [] },
    { name: "web", type: "AAAA", rcode: "NOERROR", addresses: ["fd00:10:96::a"] },
  ],
  name: "web",
  address: "[fd00:10:96::a]:80",
  explanation,
  lag: { changes: 2, ms: 1234.5 },
  sliceInApi: "99",
};

test("a trace tells the whole way of an IPv6 packet, and why the other endpoints were not chosen", () => {
  const lines = printTrace(trace).replaceAll(/ +/g, " ").split("\n");
  expect(lines).toEqual([
    "FROM pod default/client (fd00:10:244:1::9) on node-1",
    "DNS web.default.svc.cluster.local. AAAA: NXDOMAIN, says 10.96.0.10:53",
    "DNS web. AAAA: fd00:10:96::a, says 10.96.0.10:53",
    "ADDRESS [fd00:10:96::a]:80, of web",
    "TABLE of node-1, at revision 12, 2 changes behind for 1235 ms",
    "MODE iptables; a kernel would walk 7 rules",
    "SERVICE default/web by cluster IP [fd00:10:96::a]:80/TCP, resourceVersion 1",
    "RULE traffic policy Cluster, session affinity (hit)",
    "ENDPOINT [fd00:10:244:2::2]:8080, pod default/web-0 on node-2",
    "SLICE default/web-abcde at resourceVersion 1; the API has 99",
    "CHAINS PREROUTING → KUBE-SERVICES → KUBE-SVC-A → KUBE-SEP-B → KUBE-POSTROUTING",
    "DNAT [fd00:10:96::a]:80 → [fd00:10:244:2::2]:8080",
    "SNAT the client's address → fd00:10:244:1::1",
    "VERDICT forwarded to [fd00:10:244:2::2]:8080 on node-2, as coming from fd00:10:244:1::1",
    "",
    "OTHER ENDPOINT POD WHY NOT",
    "10.244.2.2:8080 - of the other address family",
    "",
  ]);
});

test("a datagram of an exchange follows it, and a name that nobody knows ends the trace", () => {
  const followed = printTrace({
    ...trace,
    explanation: { ...explanation, conntrack: { backend: "[fd00:10:244:2::2]:8080", atMs: 0 } },
  });
  expect(followed).toContain("an exchange goes on since 00:00:00.000, to [fd00:10:244:2::2]:8080");
  const { explanation: __, address: ___, ...unknown } = trace;
  expect(printTrace(unknown)).toContain("no such host: web");
});

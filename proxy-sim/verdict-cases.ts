import type { Service } from "../machinery/api/core-v1.js";
import type { Endpoint } from "../machinery/api/discovery-v1.js";
import type { ProxyMode } from "./balancers/balancer.js";
import type { Verdict } from "./dataplane/decision.js";

/**
 * The whole way from objects to verdicts: service spec × endpoints × client × mode. Endpoints are named by their pods: `a`
 * and `b` run on node-1, `c` on node-2, none on node-3.
 */

export const PODS = {
  a: { nodeName: "node-1", addresses: ["10.244.1.2"] },
  b: { nodeName: "node-1", addresses: ["10.244.1.3"] },
  c: { nodeName: "node-2", addresses: ["10.244.2.2"] },
} as const;
type PodName = keyof typeof PODS;

const pod = (name: PodName, changes: Partial<Endpoint> = {}): Endpoint => ({
  nodeName: PODS[name].nodeName,
  addresses: [...PODS[name].addresses],
  ...changes,
});
const ready = (name: PodName) => pod(name);
const unready = (name: PodName) =>
  pod(name, { conditions: { ready: false, serving: false, terminating: false } });
const draining = (name: PodName) =>
  pod(name, { conditions: { ready: false, serving: true, terminating: true } });
const dying = (name: PodName) =>
  pod(name, { conditions: { ready: false, serving: false, terminating: true } });
const hinted = (name: PodName, zone: string) => pod(name, { hints: { forZones: [{ name: zone }] } });
const hintedNode = (name: PodName, node: string) => pod(name, { hints: { forNodes: [{ name: node }] } });

const CLUSTER_IP = "10.96.0.20:80";
const EXTERNAL_IP = "198.51.100.7:80";
const LOAD_BALANCER = "203.0.113.9:80";

export const clients = {
  "a pod on node-1": { from: "10.244.1.9" },
  "a pod on node-2": { from: "10.244.2.9" },
  "a pod on node-3": { from: "10.244.3.9" },
  "pod a": { from: "10.244.1.2" },
  "node-1 itself": { from: "172.18.0.3" },
  "node-3 itself": { from: "172.18.0.5" },
  "outside, at node-1": { from: "192.0.2.1", enteredAt: "node-1" },
  "outside, at node-2": { from: "192.0.2.1", enteredAt: "node-2" },
  "outside, at node-3": { from: "192.0.2.1", enteredAt: "node-3" },
} as const;
type Client = keyof typeof clients;

export const ALL_MODES: readonly ProxyMode[] = ["iptables", "nftables", "ipvs", "userspace"];
/** Modes that know traffic policies, hints and terminating endpoints. */
const KERNEL_MODES: readonly ProxyMode[] = ["iptables", "nftables", "ipvs"];
const RULE_MODES: readonly ProxyMode[] = ["iptables", "nftables"];

export interface Row {
  title: string;
  spec?: Partial<Service["spec"]>;
  endpoints: Endpoint[];
  client: Client;
  to: string;
  modes?: readonly ProxyMode[];
  /** The pods that may be reached, or the verdict. Where others refuse, userspace accepts and closes. */
  expected: PodName[] | Verdict;
  /** What an endpoint sees as its client; `client` when it is the client itself. */
  seenAs?: string;
}

const internalLocal = { internalTrafficPolicy: "Local" as const };
const externalLocal = {
  type: "NodePort" as const,
  externalTrafficPolicy: "Local" as const,
  ports: [{ port: 80, targetPort: 8080, protocol: "TCP" as const, nodePort: 30_080 }],
};
const nodePort = {
  type: "NodePort" as const,
  ports: [{ port: 80, targetPort: 8080, protocol: "TCP" as const, nodePort: 30_080 }],
};
const balanced = { type: "LoadBalancer" as const };
const everyone = [ready("a"), ready("b"), ready("c")];
const byNodePort = (number: number) => `172.18.0.${number + 2}:30080`;

export const rows: Row[] = [
  // Conditions of endpoints.
  {
    title: "every ready endpoint may be reached",
    endpoints: everyone,
    client: "a pod on node-3",
    to: CLUSTER_IP,
    expected: ["a", "b", "c"],
    seenAs: "client",
  },
  {
    title: "an endpoint that is not ready is left out",
    endpoints: [ready("a"), unready("b")],
    client: "a pod on node-3",
    to: CLUSTER_IP,
    expected: ["a"],
  },
  {
    title: "a terminating endpoint is left out while another is ready",
    endpoints: [ready("a"), draining("c")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    expected: ["a"],
  },
  {
    title: "terminating endpoints that serve are the last resort",
    endpoints: [unready("a"), draining("b"), dying("c")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["b"],
  },
  {
    title: "userspace knows no last resort",
    endpoints: [draining("b")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    modes: ["userspace"],
    expected: "closed",
  },
  {
    title: "no endpoint: refused",
    endpoints: [],
    client: "a pod on node-1",
    to: CLUSTER_IP,
    expected: "refused",
  },
  {
    title: "only endpoints that do not serve: refused",
    endpoints: [unready("a"), dying("b")],
    client: "a pod on node-1",
    to: CLUSTER_IP,
    expected: "refused",
  },
  {
    title: "a port that the Service does not have gets no answer",
    endpoints: everyone,
    client: "a pod on node-1",
    to: "10.96.0.20:81",
    expected: "timed-out",
  },
  // Internal traffic policy.
  {
    title: "internal Local keeps to the client's node",
    spec: internalLocal,
    endpoints: everyone,
    client: "a pod on node-1",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a", "b"],
  },
  {
    title: "internal Local prefers a draining endpoint here to a ready one elsewhere",
    spec: internalLocal,
    endpoints: [ready("a"), draining("c")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["c"],
  },
  {
    title: "internal Local drops where the node has none",
    spec: internalLocal,
    endpoints: everyone,
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: RULE_MODES,
    expected: "timed-out",
  },
  {
    title: "internal Local in ipvs mode falls back to every endpoint",
    spec: internalLocal,
    endpoints: everyone,
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: ["ipvs"],
    expected: ["a", "b", "c"],
  },
  {
    title: "internal Local without any endpoint is refused, not dropped",
    spec: internalLocal,
    endpoints: [],
    client: "a pod on node-3",
    to: CLUSTER_IP,
    expected: "refused",
  },
  {
    title: "internal Local means nothing to userspace",
    spec: internalLocal,
    endpoints: everyone,
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: ["userspace"],
    expected: ["a", "b", "c"],
  },
  // Node ports and external traffic policy.
  {
    title: "a node port leads to every endpoint, as coming from the node",
    spec: nodePort,
    endpoints: [ready("c")],
    client: "outside, at node-1",
    to: byNodePort(1),
    expected: ["c"],
    seenAs: "172.18.0.3",
  },
  {
    title: "a node port of a node without endpoints leads on",
    spec: nodePort,
    endpoints: everyone,
    client: "outside, at node-3",
    to: byNodePort(3),
    expected: ["a", "b", "c"],
  },
  {
    title: "a node port without endpoints is refused",
    spec: nodePort,
    endpoints: [],
    client: "outside, at node-1",
    to: byNodePort(1),
    expected: "refused",
  },
  {
    title: "external Local keeps to the node and shows the client's address",
    spec: externalLocal,
    endpoints: everyone,
    client: "outside, at node-2",
    to: byNodePort(2),
    modes: KERNEL_MODES,
    expected: ["c"],
    seenAs: "client",
  },
  {
    title: "external Local drops where the node has none",
    spec: externalLocal,
    endpoints: everyone,
    client: "outside, at node-3",
    to: byNodePort(3),
    modes: KERNEL_MODES,
    expected: "timed-out",
  },
  {
    title: "external Local without any endpoint is refused",
    spec: externalLocal,
    endpoints: [],
    client: "outside, at node-3",
    to: byNodePort(3),
    expected: "refused",
  },
  {
    title: "external Local does not bind a pod that calls its own node",
    spec: externalLocal,
    endpoints: everyone,
    client: "a pod on node-3",
    to: byNodePort(3),
    expected: ["a", "b", "c"],
  },
  {
    title: "external Local binds a pod that calls another node",
    spec: externalLocal,
    endpoints: everyone,
    client: "a pod on node-1",
    to: byNodePort(3),
    modes: KERNEL_MODES,
    expected: "timed-out",
  },
  {
    title: "external Local does not bind traffic to the cluster IP",
    spec: externalLocal,
    endpoints: everyone,
    client: "a pod on node-3",
    to: CLUSTER_IP,
    expected: ["a", "b", "c"],
  },
  {
    title: "internal Local does not bind node ports",
    spec: { ...nodePort, ...internalLocal },
    endpoints: everyone,
    client: "outside, at node-3",
    to: byNodePort(3),
    expected: ["a", "b", "c"],
  },
  {
    title: "external Local means nothing to userspace, which hides the client",
    spec: externalLocal,
    endpoints: [ready("c")],
    client: "outside, at node-3",
    to: byNodePort(3),
    modes: ["userspace"],
    expected: ["c"],
    seenAs: "172.18.0.5",
  },
  {
    title: "external Local takes a draining endpoint when the node has no ready one",
    spec: externalLocal,
    endpoints: [ready("a"), draining("c")],
    client: "outside, at node-2",
    to: byNodePort(2),
    modes: KERNEL_MODES,
    expected: ["c"],
  },
  // Hairpin and source addresses.
  {
    title: "a pod that reaches itself is seen as its node's bridge",
    endpoints: [ready("a")],
    client: "pod a",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a"],
    seenAs: "10.244.1.1",
  },
  {
    title: "a pod that reaches another is seen as itself",
    endpoints: [ready("b")],
    client: "pod a",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["b"],
    seenAs: "client",
  },
  {
    title: "userspace loses the client's address",
    endpoints: [ready("c")],
    client: "pod a",
    to: CLUSTER_IP,
    modes: ["userspace"],
    expected: ["c"],
    seenAs: "172.18.0.3",
  },
  {
    title: "a node reaches Services as a pod does",
    endpoints: everyone,
    client: "node-3 itself",
    to: CLUSTER_IP,
    expected: ["a", "b", "c"],
  },
  // External addresses.
  {
    title: "an external IP is served inside the cluster, as coming from the node",
    spec: { externalIPs: ["198.51.100.7"] },
    endpoints: [ready("c")],
    client: "a pod on node-1",
    to: EXTERNAL_IP,
    expected: ["c"],
    seenAs: "172.18.0.3",
  },
  {
    title: "an external IP is served at every node for clients outside",
    spec: { externalIPs: ["198.51.100.7"] },
    endpoints: everyone,
    client: "outside, at node-3",
    to: EXTERNAL_IP,
    expected: ["a", "b", "c"],
  },
  {
    title: "an external IP without endpoints is refused",
    spec: { externalIPs: ["198.51.100.7"] },
    endpoints: [],
    client: "a pod on node-1",
    to: EXTERNAL_IP,
    expected: "refused",
  },
  {
    title: "an external IP with Local keeps to the node it arrived at",
    spec: { externalIPs: ["198.51.100.7"], externalTrafficPolicy: "Local" },
    endpoints: everyone,
    client: "outside, at node-2",
    to: EXTERNAL_IP,
    modes: KERNEL_MODES,
    expected: ["c"],
    seenAs: "client",
  },
  {
    title: "a load balancer's address takes a short cut inside the cluster",
    spec: balanced,
    endpoints: everyone,
    client: "a pod on node-3",
    to: LOAD_BALANCER,
    expected: ["a", "b", "c"],
  },
  {
    title: "source ranges let through whom they name",
    spec: { ...balanced, loadBalancerSourceRanges: ["192.0.2.0/24"] },
    endpoints: everyone,
    client: "outside, at node-1",
    to: LOAD_BALANCER,
    expected: ["a", "b", "c"],
  },
  {
    title: "source ranges drop the others",
    spec: { ...balanced, loadBalancerSourceRanges: ["192.0.2.128/25"] },
    endpoints: everyone,
    client: "outside, at node-1",
    to: LOAD_BALANCER,
    modes: KERNEL_MODES,
    expected: "timed-out",
  },
  {
    title: "source ranges bind pods too",
    spec: { ...balanced, loadBalancerSourceRanges: ["192.0.2.0/24"] },
    endpoints: everyone,
    client: "a pod on node-1",
    to: LOAD_BALANCER,
    modes: KERNEL_MODES,
    expected: "timed-out",
  },
  {
    title: "source ranges do not bind the cluster IP",
    spec: { ...balanced, loadBalancerSourceRanges: ["192.0.2.0/24"] },
    endpoints: everyone,
    client: "a pod on node-1",
    to: CLUSTER_IP,
    expected: ["a", "b", "c"],
  },
  {
    title: "source ranges mean nothing to a Service without endpoints",
    spec: { ...balanced, loadBalancerSourceRanges: ["192.0.2.128/25"] },
    endpoints: [],
    client: "outside, at node-1",
    to: LOAD_BALANCER,
    expected: "refused",
  },
  // Hints.
  {
    title: "zone hints keep traffic in the zone",
    endpoints: [hinted("a", "east"), hinted("c", "west")],
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a"],
  },
  {
    title: "one endpoint without a hint turns hints off",
    endpoints: [hinted("a", "east"), ready("c")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a", "c"],
  },
  {
    title: "a zone without endpoints uses all",
    endpoints: [hinted("a", "north"), hinted("c", "south")],
    client: "a pod on node-2",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a", "c"],
  },
  {
    title: "node hints keep traffic on the node",
    endpoints: [hintedNode("a", "node-3"), hintedNode("c", "node-2")],
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: KERNEL_MODES,
    expected: ["a"],
  },
  {
    title: "hints mean nothing to userspace",
    endpoints: [hinted("a", "east"), hinted("c", "west")],
    client: "a pod on node-3",
    to: CLUSTER_IP,
    modes: ["userspace"],
    expected: ["a", "c"],
  },
  // Services without rules.
  {
    title: "a headless Service has no rules",
    spec: { clusterIP: "None" },
    endpoints: everyone,
    client: "a pod on node-1",
    to: CLUSTER_IP,
    expected: "timed-out",
  },
  {
    title: "an ExternalName Service has no rules",
    spec: { type: "ExternalName", externalName: "example.org" },
    endpoints: [],
    client: "a pod on node-1",
    to: CLUSTER_IP,
    expected: "timed-out",
  },
  // Address families.
  {
    title: "an IPv6 address leads to IPv6 endpoints only",
    spec: { clusterIPs: ["10.96.0.20", "fd00:96::20"] },
    endpoints: everyone,
    client: "a pod on node-1",
    to: "[fd00:96::20]:80",
    expected: "refused",
  },
];

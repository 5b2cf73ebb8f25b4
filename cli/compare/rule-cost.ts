import { addressInCidr } from "../../machinery/network/addresses.js";
import type { ProxyMode } from "../../proxy-sim/balancers/balancer.js";
import { backendKey } from "../../proxy-sim/dataplane/route-entry.js";
import type { Backend, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { entryRules, iptablesSave, serviceChains } from "../../proxy-sim/rulesets/iptables.js";
import { ipvsadm } from "../../proxy-sim/rulesets/ipvs.js";
import { nftList } from "../../proxy-sim/rulesets/nftables.js";
import { type NodeTable, servicesOf } from "../../proxy-sim/rulesets/node-table.js";
import type { Subject } from "./subject.js";

export type CostedMode = ProxyMode | "ideal";

/** What one node's kernel has to hold, to walk and to take in, with so many Services. */
export interface RuleCost {
  services: number;
  mode: CostedMode;
  rules: number;
  /** Steps of the first packet of a connection to its endpoint; where rules are compared one by one, to a Service in the middle. */
  steps: number;
  /** What is written when one endpoint of one Service goes. */
  updateOperations: number;
  updateBytes: number;
}

const ENDPOINTS_EACH = 3;

/** The Service, and so many others made like it, with three endpoints each. */
export function routesWith(subject: Subject, services: number): ServicePortRoute[] {
  const backends = subject.endpoints;
  const others = Array.from({ length: Math.max(0, services - 1) }, (_, i): ServicePortRoute => {
    const number = String(i + 1).padStart(5, "0");
    const each = (j: number): Backend => ({
      ...(backends[j % backends.length] as Backend),
      ip: addressInCidr(
        subject.family === "IPv4" ? "10.128.0.0/9" : "fd00:10:128::/64",
        i * ENDPOINTS_EACH + j + 2,
      ),
      slice: `compare/other-${number}`,
    });
    return {
      servicePort: `compare/other-${number}`,
      serviceResourceVersion: "1",
      protocol: "TCP",
      clusterIPs: [addressInCidr(subject.family === "IPv4" ? "10.112.0.0/12" : "fd00:10:112::/112", i + 2)],
      port: 80,
      externalIPs: [],
      loadBalancerIPs: [],
      internalTrafficPolicy: "Cluster",
      externalTrafficPolicy: "Cluster",
      backends: Array.from({ length: ENDPOINTS_EACH }, (_unused, j) => each(j)),
    };
  });
  return [...others, subject.route];
}

/** The cost in every mode, on the first node. */
export function ruleCosts(subject: Subject, services: number, modes: ReadonlySet<CostedMode>): RuleCost[] {
  const [node] = subject.nodes;
  const nodeIP = subject.family === "IPv4" ? node?.internalIP : (node?.secondaryIP ?? node?.internalIP);
  const at = {
    node: node?.nodeName ?? "",
    nodeIP: nodeIP ?? "",
    ...(node?.zone === undefined ? {} : { zone: node.zone }),
  };
  const routes = routesWith(subject, services);
  const [, ...left] = subject.endpoints;
  const kept = new Set(left.map(backendKey));
  const { route } = subject;
  const fewer = { ...route, backends: route.backends.filter((backend) => kept.has(backendKey(backend))) };
  const tables = {
    all: { ...at, routes },
    before: { ...at, routes: [route] },
    after: { ...at, routes: [fewer] },
  };
  return [...modes].map((mode) => ({ services, mode, ...COSTS[mode](tables, subject) }));
}

interface Tables {
  all: NodeTable;
  /** The changed Service's own part; those of others stay as they are. */
  before: NodeTable;
  after: NodeTable;
}

type Cost = Omit<RuleCost, "services" | "mode">;

const COSTS: Readonly<Record<CostedMode, (tables: Tables, subject: Subject) => Cost>> = {
  // A portal rule for each address and each of the two hooks; endpoints live in the proxy, which no kernel hears of.
  userspace({ all }) {
    const portals = all.routes.reduce((sum, route) => sum + addressCount(route), 0);
    return { rules: 2 * portals, steps: 1 + (portals + 1) / 2, updateOperations: 0, updateBytes: 0 };
  },
  iptables({ all, before, after }) {
    const entries = servicesOf(all).flatMap(entryRules);
    const lines = iptablesSave(all).split("\n");
    const own = servicesOf(before).flatMap(serviceChains);
    const balancing = own.filter((rule) => rule.startsWith("-A KUBE-SVC-")).length;
    // A partial restore leaves out the chains of Services that did not change, but never KUBE-SERVICES.
    const dispatch = lines.filter((line) => line.startsWith("-A KUBE-") && DISPATCH.test(line));
    const written = [...dispatch, ...servicesOf(after).flatMap(serviceChains)];
    return {
      rules: lines.filter((line) => line.startsWith("-A ")).length,
      steps: 1 + (entries.length + 1) / 2 + (balancing + 1) / 2 + 2,
      updateOperations: written.length,
      updateBytes: bytesOf(written),
    };
  },
  nftables({ all, before, after }) {
    const changed = difference(nftLines(before), nftLines(after));
    // Hook, two verdict maps, the Service's chain with its own map, and the two rules of the endpoint's.
    return {
      rules: nftLines(all).length,
      steps: 7,
      updateOperations: changed.length,
      updateBytes: bytesOf(changed),
    };
  },
  ipvs({ all, before, after }) {
    const changed = difference(ipvsLines(before), ipvsLines(after));
    // Hook, set, virtual server, real server.
    return {
      rules: ipvsLines(all).length,
      steps: 4,
      updateOperations: changed.length,
      updateBytes: bytesOf(changed),
    };
  },
  ideal({ all }, { endpoints }) {
    const [gone] = endpoints;
    return {
      rules: all.routes.reduce((sum, route) => sum + addressCount(route), 0),
      steps: 1,
      updateOperations: 1,
      updateBytes: gone ? backendKey(gone).length : 0,
    };
  },
};

const DISPATCH = /^-A KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|PROXY-FIREWALL|POSTROUTING|MARK-MASQ) /;

const addressCount = ({ clusterIPs, externalIPs, loadBalancerIPs, nodePort }: ServicePortRoute): number =>
  clusterIPs.length + externalIPs.length + loadBalancerIPs.length + (nodePort === undefined ? 0 : 1);

/** Rules and elements; not the heads of chains, sets and maps. */
const nftLines = (table: NodeTable): string[] =>
  nftList(table)
    .split("\n")
    .filter((line) => line.startsWith("\t\t") && !/^\t\t(type|comment|size|flags|timeout) /.test(line))
    .map((line) => line.trim());

const ipvsLines = (table: NodeTable): string[] => ipvsadm(table).trimEnd().split("\n").slice(3);

/** Lines that are deleted, and lines that are added. */
function difference(before: readonly string[], after: readonly string[]): string[] {
  const had = new Set(before);
  const has = new Set(after);
  return [...before.filter((line) => !has.has(line)), ...after.filter((line) => !had.has(line))];
}

const bytesOf = (lines: readonly string[]): number =>
  lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

import { formatAddress } from "../../machinery/network/addresses.js";
import type { Explanation } from "../../proxy-sim/dataplane/trace.js";
import { clockTime } from "../objects/cluster-admin.js";
import { type Asked, nameServer } from "../objects/pod-dns.js";
import { padColumns } from "./columns.js";
import { conditionOf } from "./routing-tables.js";

/** One request, explained. `-o json` prints it as it is. */
export interface Trace {
  from: string;
  target: string;
  /** What DNS was asked for. */
  asked: Asked[];
  name: string;
  /** Where the first packet goes; absent when the name does not exist. */
  address?: string;
  explanation?: Explanation;
  /** By how much the node's table is behind what its proxy has heard. */
  lag?: { changes: number; ms?: number } | undefined;
  /** Set when the API has another version of the slice than the table. */
  sliceInApi?: string;
}

export function printTrace(trace: Trace): string {
  const { explanation } = trace;
  const lines: string[][] = [["FROM", trace.from], ...dnsLines(trace)];
  if (!explanation) return padColumns([...lines, ["VERDICT", `no such host: ${trace.name}`]]);
  lines.push(
    ...tableLines(trace, explanation),
    ...endpointLines(trace, explanation),
    ...natLines(trace, explanation),
  );
  if (explanation.balancer === "userspace" && explanation.backend)
    lines.push(["RETRIES", "the proxy waits 0.25 s, 1 s, 2 s, 4 s, for one endpoint after another"]);
  lines.push(["VERDICT", verdictOf(explanation)]);
  const others = explanation.endpoints.filter(({ chosen }) => !chosen);
  return padColumns(lines) + (others.length === 0 ? "" : `\n${othersTable(others)}`);
}

function dnsLines({ asked, name, address }: Trace): string[][] {
  if (asked.length === 0) return [["ADDRESS", address ?? ""]];
  const lines = asked.map((each) => {
    const { type, addresses } = each;
    const found =
      addresses.length > 0 ? addresses.join(", ") : each.rcode === "NOERROR" ? "no such data" : each.rcode;
    return ["DNS", `${each.name}. ${type}: ${found}, says ${nameServer}`];
  });
  return address ? [...lines, ["ADDRESS", `${address}, of ${name}`]] : lines;
}

/** What the packet's addresses become on the way. */
function natLines({ address }: Trace, { from, to, chains, backend, hostPort }: Explanation): string[][] {
  const lines: string[][] = [];
  if (chains.length > 0) lines.push(["CHAINS", chains.join(" → ")]);
  if (!backend && !hostPort) return lines;
  const source = chains.some((chain) => /POSTROUTING|masquerading|own socket/.test(chain));
  lines.push(["DNAT", `${address ?? ""} → ${formatAddress(to)}`]);
  lines.push([
    "SNAT",
    source ? `the client's address → ${from.ip}` : "none: the endpoint sees the client's address",
  ]);
  return lines;
}

function tableLines({ lag, address }: Trace, explanation: Explanation): string[][] {
  const { node, tableRevision, route, policy, affinity, balancer, rulesWalked, conntrack, hostPort } =
    explanation;
  const lines: string[][] = [];
  if (node) lines.push(["TABLE", `of ${node}, at revision ${tableRevision}${lagText(lag)}`]);
  if (balancer)
    lines.push([
      "MODE",
      `${balancer}${rulesWalked === undefined ? "" : `; a kernel would walk ${rulesWalked} rules`}`,
    ]);
  if (hostPort) {
    lines.push(["HOSTPORT", `${hostPort.hostPort}/${hostPort.protocol} of pod ${hostPort.pod}`]);
    return lines;
  }
  if (!route) {
    lines.push(["SERVICE", "none: the packet goes to its address as it is"]);
    return lines;
  }
  lines.push([
    "SERVICE",
    `${route.servicePort} by ${WAYS[explanation.scope ?? ""] ?? "its address"} ${address ?? ""}/${route.protocol}, resourceVersion ${route.serviceResourceVersion}`,
  ]);
  const affinityText = affinity === undefined ? "" : `session affinity (${affinity ? "hit" : "no entry"})`;
  const words = [policy ? `traffic policy ${policy}` : "", affinityText].filter(Boolean);
  if (conntrack)
    lines.push([
      "CONNTRACK",
      `an exchange goes on since ${clockTime(conntrack.atMs)}, to ${conntrack.backend}`,
    ]);
  if (words.length > 0) lines.push(["RULE", words.join(", ")]);
  return lines;
}

const WAYS: Readonly<Record<string, string>> = {
  cluster: "cluster IP",
  external: "external IP",
  "load-balancer": "load balancer IP",
  "node-port": "node port",
};

const lagText = (lag: Trace["lag"]): string => {
  if (!lag) return "";
  if (lag.changes === 0) return ", up to date";
  return `, ${lag.changes} change${lag.changes === 1 ? "" : "s"} behind${lag.ms === undefined ? "" : ` for ${Math.round(lag.ms)} ms`}`;
};

function endpointLines({ sliceInApi }: Trace, { backend }: Explanation): string[][] {
  if (!backend) return [];
  const where = backend.nodeName ? ` on ${backend.nodeName}` : "";
  const stale = sliceInApi ? `; the API has ${sliceInApi}` : "";
  return [
    [
      "ENDPOINT",
      `${formatAddress(backend)}${backend.pod ? `, pod ${backend.pod}` : ""}${where} ${conditionOf(backend)}`.trimEnd(),
    ],
    ["SLICE", `${backend.slice} at resourceVersion ${backend.sliceResourceVersion}${stale}`],
  ];
}

function verdictOf({ verdict, reason, destinationNode, from, to }: Explanation): string {
  switch (verdict) {
    case "forward":
      return `forwarded to ${formatAddress(to)}${destinationNode ? ` on ${destinationNode}` : ""}, as coming from ${from.ip}`;
    case "refused":
    case "unreachable":
    case "timed-out":
    case "closed":
      return reason ? `${verdict}: ${reason}` : verdict;
  }
}

const othersTable = (others: Explanation["endpoints"]): string =>
  padColumns([
    ["OTHER ENDPOINT", "POD", "WHY NOT"],
    ...others.map(({ backend, why }) => [formatAddress(backend), backend.pod ?? "-", why]),
  ]);

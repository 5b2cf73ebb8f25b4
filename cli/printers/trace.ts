import { formatAddress } from "../../machinery/network/addresses.js";
import type { Explanation } from "../../proxy-sim/dataplane/trace.js";
import { nameServer } from "../objects/pod-dns.js";
import { padColumns } from "./columns.js";
import { conditionOf } from "./routing-tables.js";

/** One request, explained. `-o json` prints it as it is. */
export interface Trace {
  from: string;
  target: string;
  /** Names that DNS was asked for. */
  asked: string[];
  name: string;
  /** Where the first packet goes; absent when the name does not exist. */
  address?: string;
  explanation?: Explanation;
  /** Set when the API has another version of the slice than the table. */
  sliceInApi?: string;
}

export function printTrace(trace: Trace): string {
  const { explanation } = trace;
  const lines: string[][] = [["FROM", trace.from], ...dnsLines(trace)];
  if (!explanation) return padColumns([...lines, ["VERDICT", `no such host: ${trace.name}`]]);
  lines.push(...tableLines(explanation), ...endpointLines(trace, explanation));
  lines.push(["VERDICT", verdictOf(explanation)]);
  const others = explanation.endpoints.filter(({ chosen }) => !chosen);
  return padColumns(lines) + (others.length === 0 ? "" : `\n${othersTable(others)}`);
}

function dnsLines({ asked, name, address }: Trace): string[][] {
  if (asked.length === 0) return [["ADDRESS", address ?? ""]];
  const misses = asked.length - (address ? 1 : 0);
  const before = misses === 0 ? "" : ` (after ${misses} names that do not exist)`;
  return [
    [
      "DNS",
      address
        ? `${name} is ${address.replace(/:\d+$/, "")}, says ${nameServer}${before}`
        : `${nameServer} knows none of ${asked.join(", ")}`,
    ],
  ];
}

function tableLines(explanation: Explanation): string[][] {
  const { node, tableRevision, route, scope, policy, affinity, balancer, rulesWalked } = explanation;
  const lines: string[][] = [];
  if (node) lines.push(["TABLE", `of ${node}, at revision ${tableRevision}`]);
  if (balancer)
    lines.push([
      "MODE",
      `${balancer}${rulesWalked === undefined ? "" : `; a kernel would walk ${rulesWalked} rules`}`,
    ]);
  if (!route) {
    lines.push(["SERVICE", "none: the packet goes to its address as it is"]);
    return lines;
  }
  const by = scope === "node-port" ? `node port ${route.nodePort}` : `${route.clusterIPs[0]}:${route.port}`;
  lines.push([
    "SERVICE",
    `${route.servicePort} by ${by}/${route.protocol}, resourceVersion ${route.serviceResourceVersion}`,
  ]);
  const words = [policy ? `traffic policy ${policy}` : "", affinity ? "session affinity" : ""].filter(
    Boolean,
  );
  if (words.length > 0) lines.push(["RULE", words.join(", ")]);
  return lines;
}

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

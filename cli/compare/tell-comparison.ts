import { formatAddress } from "../../machinery/network/addresses.js";
import { padColumns } from "../printers/columns.js";
import type { Comparison, ModeResult } from "./compare.js";

const SPREAD_HEADER = [
  "MODE",
  "PER POD",
  "PER NODE",
  "CHI²",
  "P",
  "FAILED",
  "FAILED, ONE POD DEAD",
  "RETRIED",
];
const COST_HEADER = ["SERVICES", "MODE", "RULES", "STEPS OF A PACKET", "UPDATE: OPERATIONS", "BYTES"];
/** Shares are listed one by one up to so many. */
const MOST_LISTED = 4;

/** The comparison as text. */
export function tellComparison(comparison: Comparison): string {
  const { service, address, requests, seed, clients, nodes, endpoints, dead } = comparison;
  const spread = comparison.modes.map((result) => spreadRow(result, requests));
  const costs = comparison.costs.map(({ services, mode, rules, steps, updateOperations, updateBytes }) => [
    grouped(services),
    mode,
    grouped(rules),
    grouped(Math.round(steps)),
    grouped(updateOperations),
    grouped(updateBytes),
  ]);
  return [
    `${service} at ${formatAddress(address)}: ${endpoints.length} endpoints on ${new Set(endpoints.map(({ node }) => node)).size} nodes`,
    `${grouped(requests)} requests of ${clients} pods on ${nodes} nodes, seed ${seed}; then the same with ${dead} dead`,
    "",
    padColumns([SPREAD_HEADER, ...spread]).trimEnd(),
    ...(costs.length === 0
      ? []
      : [
          "",
          "One node's kernel, and what one endpoint's end costs it:",
          "",
          padColumns([COST_HEADER, ...costs]).trimEnd(),
        ]),
    "",
    `This cluster's proxy sends ${grouped(comparison.transactionBytes)} bytes in one operation for that change, in every mode, once for all nodes.`,
    "",
  ].join("\n");
}

function spreadRow(result: ModeResult, requests: number): string[] {
  const { mode, perEndpoint, perNode, chiSquare, p, failures, withDeadEndpoint } = result;
  return [
    mode,
    shares(perEndpoint.map(({ share }) => share)),
    shares(perNode.map(({ share }) => share)),
    chiSquare >= 100 ? grouped(Math.round(chiSquare)) : chiSquare.toFixed(2),
    p < 0.001 ? "<0.001" : p.toFixed(3),
    failed(failures, requests),
    failed(withDeadEndpoint.failures, requests),
    withDeadEndpoint.retries === 0 ? "-" : grouped(withDeadEndpoint.retries),
  ];
}

const percent = (share: number): string => (100 * share).toFixed(1);

const shares = (all: readonly number[]): string =>
  all.length <= MOST_LISTED
    ? `${all.map(percent).join("/")} %`
    : `${percent(Math.min(...all))}-${percent(Math.max(...all))} %`;

function failed(failures: Readonly<Record<string, number>>, requests: number): string {
  const reasons = Object.entries(failures);
  if (reasons.length === 0) return "0";
  const count = reasons.reduce((sum, [, each]) => sum + each, 0);
  return `${grouped(count)} (${percent(count / requests)} %) ${reasons.map(([reason]) => reason).join(", ")}`;
}

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

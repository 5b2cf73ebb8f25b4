import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { Balancer } from "../../proxy-sim/balancers/balancer.js";
import { balancers } from "../../proxy-sim/balancers/balancers.js";
import { backendKey } from "../../proxy-sim/dataplane/route-entry.js";
import type { ProgramTransaction } from "../../proxy-sim/dataplane/table.js";
import { UserError } from "../supervisor/cluster.js";
import { chiSquare } from "./chi-square.js";
import { idealBalancer } from "./ideal.js";
import { type CostedMode, type RuleCost, ruleCosts } from "./rule-cost.js";
import { endpointName, type Subject } from "./subject.js";
import { sendTraffic, type TrafficResult } from "./traffic.js";

export interface CompareOptions {
  subject: Subject;
  requests: number;
  seed: string;
  /** Numbers of Services for which rules and updates are counted. */
  services: readonly number[];
  /** Default: all. */
  modes?: readonly string[];
  signal?: AbortSignal;
  onMode?: (mode: string) => void;
}

export interface Comparison {
  service: string;
  address: { ip: string; port: number };
  requests: number;
  seed: string;
  clients: number;
  nodes: number;
  endpoints: readonly { name: string; address: string; node: string }[];
  /** The one that is in the set but does not answer, in the second half. */
  dead: string;
  modes: readonly ModeResult[];
  costs: readonly RuleCost[];
  /** Of this cluster's own proxy, for the same change: sent once for all nodes. */
  transactionBytes: number;
}

export interface ModeResult {
  mode: string;
  perEndpoint: readonly { name: string; requests: number; share: number }[];
  perNode: readonly { node: string; requests: number; share: number }[];
  chiSquare: number;
  p: number;
  failures: Readonly<Record<string, number>>;
  withDeadEndpoint: { failures: Readonly<Record<string, number>>; retries: number };
}

const IDEAL = "ideal";
export const MODES: readonly string[] = [
  "userspace",
  ...balancers.map(({ name }) => name).filter((name) => name !== "userspace"),
  IDEAL,
];

/** The same requests through every mode, all endpoints answering and then one of them not. Throws UserError for an unknown mode. */
export async function compareModes(options: CompareOptions): Promise<Comparison> {
  const { subject, requests, seed, services, modes = MODES } = options;
  const unknown = modes.find((mode) => !MODES.includes(mode));
  if (unknown !== undefined)
    throw new UserError(`unknown proxy mode "${unknown}"; there are ${MODES.join(", ")}`, 2);
  const dead = seededRng(seed).fork("dead").pick(subject.endpoints);
  const results: ModeResult[] = [];
  for (const mode of modes) {
    options.onMode?.(mode);
    const send = (deadOnes: ReadonlySet<string>) => {
      options.signal?.throwIfAborted();
      const balancer = balancerFor(mode, deadOnes);
      return sendTraffic({
        subject,
        balancer,
        requests,
        rng: seededRng(seed).fork("traffic"),
        dead: deadOnes,
      });
    };
    const calm = await send(new Set());
    const broken = await send(new Set([backendKey(dead)]));
    results.push(toResult(mode, subject, calm, broken));
  }
  const costed = new Set(modes.map(costedMode));
  return {
    service: subject.service,
    address: subject.to,
    requests,
    seed,
    clients: subject.clients.length,
    nodes: subject.nodes.length,
    endpoints: subject.endpoints.map((endpoint) => ({
      name: endpointName(endpoint),
      address: backendKey(endpoint),
      node: endpoint.nodeName ?? "",
    })),
    dead: endpointName(dead),
    modes: results,
    costs: services.flatMap((count) => ruleCosts(subject, count, costed)),
    transactionBytes: transactionBytes(subject),
  };
}

function balancerFor(mode: string, dead: ReadonlySet<string>): Balancer {
  const known = balancers.find(({ name }) => name === mode);
  return known ?? idealBalancer((backend) => !dead.has(backendKey(backend)));
}

const costedMode = (mode: string): CostedMode => balancers.find(({ name }) => name === mode)?.mode ?? IDEAL;

function toResult(mode: string, subject: Subject, calm: TrafficResult, broken: TrafficResult): ModeResult {
  const keys = subject.endpoints.map(backendKey);
  const counts = keys.map((key) => calm.answers.get(key) ?? 0);
  const answered = counts.reduce((sum, count) => sum + count, 0);
  const share = (count: number): number => (answered === 0 ? 0 : count / answered);
  const nodes = [...new Set(subject.endpoints.map(({ nodeName }) => nodeName ?? ""))].toSorted();
  const onNode = (node: string): number =>
    counts.reduce((sum, count, i) => sum + ((subject.endpoints[i]?.nodeName ?? "") === node ? count : 0), 0);
  const { statistic, p } = chiSquare(
    counts,
    keys.map((key) => calm.expected.get(key) ?? 0),
  );
  return {
    mode,
    perEndpoint: subject.endpoints.map((endpoint, i) => {
      const count = counts[i] ?? 0;
      return { name: endpointName(endpoint), requests: count, share: share(count) };
    }),
    perNode: nodes.map((node) => ({ node, requests: onNode(node), share: share(onNode(node)) })),
    chiSquare: statistic,
    p,
    failures: Object.fromEntries(calm.failures),
    withDeadEndpoint: { failures: Object.fromEntries(broken.failures), retries: broken.retries },
  };
}

function transactionBytes({ route }: Subject): number {
  const transaction: ProgramTransaction = {
    tables: [{ from: 1, to: 2, set: [{ ...route, backends: route.backends.slice(1) }], remove: [] }],
  };
  return Buffer.byteLength(JSON.stringify(transaction));
}

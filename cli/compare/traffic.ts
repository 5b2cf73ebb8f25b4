import type { Rng } from "../../machinery/api/rng.js";
import { silentLogger } from "../../machinery/api/logger.js";
import type { HostNetwork } from "../../machinery/network/host-network.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { type Connection, ConnectionError } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { turn } from "../../machinery/runtime/turn.js";
import type { Balancer } from "../../proxy-sim/balancers/balancer.js";
import { memoryDialer } from "../../proxy-sim/dataplane/carrier-dialer.js";
import { DataPlane } from "../../proxy-sim/dataplane/data-plane.js";
import { backendKey, routeEntry } from "../../proxy-sim/dataplane/route-entry.js";
import { selectBackends } from "../../proxy-sim/dataplane/selection.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { CARRIER, type Client, type Subject } from "./subject.js";

export interface TrafficOptions {
  subject: Subject;
  balancer: Balancer;
  requests: number;
  /** Of the requests: the same in every mode. */
  rng: Rng;
  /** `ip:port` of endpoints that are in the set and where nobody listens. */
  dead?: ReadonlySet<string>;
}

export interface TrafficResult {
  /** Answers by endpoint, `ip:port`. */
  answers: ReadonlyMap<string, number>;
  /** What an even choice among those that each request may get would give. */
  expected: ReadonlyMap<string, number>;
  /** Requests without an answer, by what the client saw. */
  failures: ReadonlyMap<string, number>;
  /** Connections that the proxy made beyond one for each request. */
  retries: number;
}

/** One request a millisecond, each answered after 20 ms on the average: some twenty are open at any time. */
const MS_BETWEEN_REQUESTS = 1;
const MEAN_ANSWER_MS = 20;

/**
 * Sends requests from the clients to the Service through a data plane of its own: real tables, balancers, NAT, retries
 * and connections, in memory, on a clock that jumps. The same options give the same result.
 */
export async function sendTraffic(options: TrafficOptions): Promise<TrafficResult> {
  const { subject, balancer, requests, rng } = options;
  const clock = new VirtualClock();
  const { dataPlane, hosts } = await arena(options, clock);
  const tally = { answers: new Map<string, number>(), failures: new Map<string, number>() };
  const expected = new Map<string, number>();
  const running = new Set<Promise<void>>();
  const shares = sharesOf(subject, balancer);
  for (let i = 0; i < requests; i++) {
    const client = rng.pick(subject.clients);
    const answerMs = Math.ceil(-Math.log(1 - rng.next()) * MEAN_ANSWER_MS);
    for (const [endpoint, share] of shares(client)) add(expected, endpoint, share);
    const request = ask(hosts.get(client.ip), subject, answerMs, tally);
    running.add(request);
    void request.then(() => running.delete(request));
    await runFor(clock, MS_BETWEEN_REQUESTS);
  }
  const all = Promise.all(running);
  while (running.size > 0 && clock.nextMs !== undefined) await step(clock);
  await all;
  const flows = [...dataPlane.flows.counts.values()].reduce((sum, count) => sum + count, 0);
  return { ...tally, expected, retries: flows - requests };
}

async function runFor(clock: VirtualClock, durationMs: number): Promise<void> {
  const untilMs = clock.monotonicMs() + durationMs;
  await turn();
  while ((clock.nextMs ?? Number.POSITIVE_INFINITY) <= untilMs) await step(clock);
  clock.skipTo(untilMs);
}

async function step(clock: VirtualClock): Promise<void> {
  clock.step();
  await turn();
}

/** Which endpoints a client's node may use, each with its even share. */
function sharesOf({ route, to, nodes }: Subject, { mode }: Balancer) {
  const entry = routeEntry(route);
  const byNode = new Map(
    nodes.map(({ nodeName, zone }) => {
      const vantage = { node: nodeName, zone, external: false, ipv6: to.ip.includes(":"), mode };
      const selection = selectBackends(entry, "cluster", vantage);
      const backends = selection.kind === "backends" ? selection.backends : [];
      return [nodeName, backends.map((backend) => [backendKey(backend), 1 / backends.length] as const)];
    }),
  );
  return ({ node }: Client) => byNode.get(node) ?? [];
}

/** Asks once: the answer is the endpoint's name. */
async function ask(
  from: HostNetwork | undefined,
  { to }: Subject,
  answerMs: number,
  { answers, failures }: { answers: Map<string, number>; failures: Map<string, number> },
): Promise<void> {
  if (!from) throw new RangeError("the client has no network");
  try {
    const connection = await from.connect(to);
    await connection.write(encoder.encode(String(answerMs)));
    const answer = await connection.read();
    connection.end();
    if (answer) add(answers, decoder.decode(answer), 1);
    else add(failures, "closed", 1);
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
    add(failures, err.reason, 1);
  }
}

/** A data plane with the Service's table, a server on every endpoint that lives, and the clients. */
async function arena({ subject, balancer, dead, rng }: TrafficOptions, clock: VirtualClock) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: rng.fork(balancer.name),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    balancer,
    flowCapacity: 1,
  });
  const network = new VirtualNetwork({ clock, rng: rng.fork("network"), uplink: dataPlane });
  carriers.register(CARRIER, network);
  const hosts = new Map<string, HostNetwork>();
  const host = (ip: string): HostNetwork => {
    const known = hosts.get(ip) ?? network.addHost(ip);
    hosts.set(ip, known);
    return known;
  };
  for (const { ip } of subject.clients) host(ip);
  for (const backend of subject.endpoints) {
    const name = backendKey(backend);
    const endpoint = host(backend.ip);
    if (!dead?.has(name)) endpoint.listen(backend.port, (connection) => void answer(connection, name, clock));
  }
  await dataPlane.program({
    full: true,
    nodes: { set: subject.nodes, remove: [] },
    tables: [{ from: 0, to: 1, set: [subject.route], remove: [] }],
  });
  return { dataPlane, hosts };
}

/** Says who it is, after the time that it was asked for. A client that went away is no failure of its own. */
async function answer(connection: Connection, name: string, clock: VirtualClock): Promise<void> {
  try {
    const question = await connection.read();
    if (question) await clock.sleep(Number(decoder.decode(question)));
    await connection.write(encoder.encode(name));
    connection.end();
  } catch {
    connection.reset();
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const add = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

import { lookup } from "node:dns/promises";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { decode, encode } from "dns-packet";
import type { Clock } from "../../machinery/api/clock.js";
import type { Protocol } from "../../machinery/api/core-v1.js";
import { familyOf, formatAddress, isLoopback, parseAddress } from "../../machinery/network/addresses.js";
import { ConnectionError, type SocketAddress } from "../../machinery/network/network.js";
import { toConnectionError } from "../../machinery/network/system-errors.js";
import { nameServer } from "../objects/pod-dns.js";
import type { ClusterAdmin } from "../objects/cluster-admin.js";
import type { ClusterDialer } from "./cluster-dialer.js";
import { type HostPort, localPortOf } from "./host-ports.js";
import type { WayIn } from "./ways-in.js";

/** What became of a try: `yes`, `refused`, `no route`, `no answer`, `reset`; `elsewhere` when another network took it. */
export type Verdict = string;

const LIMIT_MS = 1000;
const DNS_PORT = 53;
/** This machine, as the cluster sees it. */
const HOST_IP = "172.18.0.1";

interface Flow {
  source: string;
  destination: string;
  protocol: Protocol;
  atMs: number;
  outcome: string;
}

const WORDS: Readonly<Record<ConnectionError["reason"], string>> = {
  refused: "refused",
  unreachable: "no route",
  "timed-out": "no answer",
  aborted: "no answer",
  reset: "reset",
  "address-in-use": "reset",
};

/** Tries each way for real, from where somebody would stand, and never waits longer than a second. */
export class Attempts {
  readonly #options: {
    clock: Clock;
    dialer: ClusterDialer;
    /** At most one of each family. */
    podIPs: readonly string[];
    nodeIPs: readonly string[];
    hostPorts: readonly HostPort[];
  };

  constructor(options: {
    clock: Clock;
    dialer: ClusterDialer;
    podIPs: readonly string[];
    nodeIPs: readonly string[];
    hostPorts: readonly HostPort[];
  }) {
    this.#options = options;
  }

  async fromPod(way: WayIn): Promise<Verdict> {
    if (way.name !== undefined) return canonicalName(this.#options.dialer.admin, way.name);
    // A pod's loopback is its own; its packets never get to the node.
    if (way.address && isLoopback(way.address.ip)) return "refused";
    return this.#inside(this.#options.podIPs, way);
  }

  async fromNode(way: WayIn): Promise<Verdict> {
    if (way.name !== undefined) return canonicalName(this.#options.dialer.admin, way.name);
    return this.#inside(this.#options.nodeIPs, way);
  }

  /** A node port is where this machine has it; every other address is tried as it is. */
  async fromHost(way: WayIn): Promise<Verdict> {
    if (way.name !== undefined)
      return this.#limited(lookup(way.name).then(() => "yes")).catch(() => "no such name");
    if (!way.address) return "-";
    if (way.nodePort === undefined) return this.#outside(way.address, way.protocol);
    const own = this.#options.hostPorts.filter(({ servicePort }) => servicePort === way.servicePort);
    const socket = socketFor(own, way.nodePort);
    if (socket === undefined) return "refused";
    const verdict = await this.#outside(socket, way.protocol);
    return verdict === "yes" ? `yes, ${formatAddress(socket)}` : verdict;
  }

  async #inside(ips: readonly string[], { address, protocol }: WayIn): Promise<Verdict> {
    if (!address) return "-";
    const from = ips.find((ip) => familyOf(ip) === familyOf(address.ip));
    if (from === undefined) return "no route";
    if (protocol === "UDP") return this.#datagramInside(from, address);
    const limit = new AbortController();
    const timer = this.#options.clock.setTimer(LIMIT_MS, () => limit.abort());
    try {
      const { dialer } = this.#options;
      const connection = await dialer.connect(from, address.ip, address.port, limit.signal);
      connection.reset();
      return "yes";
    } catch (err) {
      return err instanceof ConnectionError ? WORDS[err.reason] : String(err);
    } finally {
      timer.cancel();
    }
  }

  /**
   * A host socket opens before the data plane has decided, and some other network of this machine may have such an
   * address: the flow log says whether the connection came here, and how it went.
   */
  async #outside({ ip, port }: SocketAddress, protocol: Protocol): Promise<Verdict> {
    if (protocol === "UDP") {
      const verdict = await this.#limited(answeredByHost({ ip, port }));
      // Only sockets of this machine lead into the cluster.
      return verdict === "yes" && !isLoopback(ip) ? "elsewhere" : verdict;
    }
    const startedAtMs = Math.floor(this.#options.clock.nowMs());
    const socket = connect({ host: ip, port });
    const opened = new Promise<Verdict>((resolve) => {
      socket.once("connect", () => resolve("yes"));
      socket.on("error", (err) => resolve(WORDS[toConnectionError(err).reason]));
    });
    try {
      const verdict = await this.#limited(opened);
      return verdict === "yes" ? await this.#flowOutcome(socket.localPort ?? 0, startedAtMs) : verdict;
    } finally {
      socket.destroy();
    }
  }

  async #flowOutcome(localPort: number, startedAtMs: number): Promise<Verdict> {
    const untilMs = this.#options.clock.monotonicMs() + LIMIT_MS;
    let seen = false;
    while (this.#options.clock.monotonicMs() < untilMs) {
      const flows = await this.#options.dialer.admin.call<Flow[]>("dataplane", "GET", "/flows?limit=500");
      const flow = flows.find(
        ({ source, atMs }) => source === `${HOST_IP}:${localPort}` && atMs >= startedAtMs,
      );
      seen ||= flow !== undefined;
      if (flow?.outcome === "open") return "yes";
      if (flow && flow.outcome !== "connecting")
        return WORDS[flow.outcome as ConnectionError["reason"]] ?? flow.outcome;
      await this.#options.clock.sleep(20);
    }
    return seen ? "no answer" : "elsewhere";
  }

  /** A datagram that nobody answers: what the flow log says of it, or only that it went. */
  async #datagramInside(from: string, to: SocketAddress): Promise<Verdict> {
    const { clock, dialer } = this.#options;
    const startedAtMs = Math.floor(clock.nowMs());
    const leaving = new AbortController();
    try {
      let answered = (): void => {};
      const answer = new Promise<Verdict>((resolve) => {
        answered = () => resolve("yes");
      });
      const send = await dialer.associateFrom(from, "default")(answered, leaving.signal);
      await send(to.ip, to.port, questionFor(to.port));
      const verdict = await this.#limited(answer);
      return verdict === "yes" ? verdict : await this.#datagramOutcome(from, to, startedAtMs);
    } finally {
      leaving.abort();
    }
  }

  async #datagramOutcome(from: string, to: SocketAddress, startedAtMs: number): Promise<Verdict> {
    const flows = await this.#options.dialer.admin.call<Flow[]>("dataplane", "GET", "/flows?limit=500");
    const flow = flows.findLast(
      ({ source, destination, protocol, atMs }) =>
        protocol === "UDP" &&
        parseAddress(source)?.ip === from &&
        destination === formatAddress(to) &&
        atMs >= startedAtMs,
    );
    if (flow?.outcome === "open") return "sent, no answer";
    return WORDS[flow?.outcome as ConnectionError["reason"]] ?? "no answer";
  }

  async #limited(verdict: Promise<Verdict>): Promise<Verdict> {
    const waiting = new AbortController();
    const late = this.#options.clock.sleep(LIMIT_MS, waiting.signal).then(
      () => "no answer",
      () => "no answer",
    );
    try {
      return await Promise.race([verdict, late]);
    } finally {
      waiting.abort();
    }
  }
}

/** On 127.0.0.1, else at the address that stands for the node. */
function socketFor(own: readonly HostPort[], nodePort: number): SocketAddress | undefined {
  const port = localPortOf(own, nodePort);
  if (port !== undefined) return { ip: "127.0.0.1", port };
  const other = own.find(({ wanted, actual }) => actual && parseAddress(wanted)?.port === nodePort);
  return other?.actual ? parseAddress(other.actual) : undefined;
}

/** Something that a name server answers; for anything else, what agnhost answers. */
const questionFor = (port: number): Uint8Array =>
  port === DNS_PORT
    ? encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type: "NS", name: "cluster.local" }] })
    : Buffer.from("hostname");

/** `yes` when a datagram of this machine is answered, `refused` when an ICMP error comes; else waits for ever. */
function answeredByHost({ ip, port }: SocketAddress): Promise<Verdict> {
  const socket = createSocket(isIP(ip) === 6 ? "udp6" : "udp4").unref();
  return new Promise<Verdict>((resolve) => {
    socket.once("message", () => resolve("yes"));
    socket.on("error", () => resolve("refused"));
    socket.connect(port, ip, () => socket.send(questionFor(port)));
  }).finally(() => socket.close());
}

/** `CNAME remote.server.url.com`, as the cluster's DNS answers. */
async function canonicalName(admin: ClusterAdmin, name: string): Promise<Verdict> {
  const message = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type: "CNAME", name }] });
  const { payload } = await admin.call<{ payload: string }>("dataplane", "POST", "/exchange", {
    to: nameServer,
    payload: message.toString("base64"),
  });
  const { answers = [] } = decode(Buffer.from(payload, "base64"));
  const found = answers.find((answer) => answer.type === "CNAME");
  return found?.type === "CNAME" ? `CNAME ${found.data}` : "no such name";
}

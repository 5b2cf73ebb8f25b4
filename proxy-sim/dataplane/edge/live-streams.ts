import type { Socket } from "node:net";
import type { CarrierSessions } from "../../../machinery/network/carrier-session.js";
import { ConnectionError } from "../../../machinery/network/network.js";
import { type Answer, answer, parseAnswer } from "../../../machinery/network/preamble.js";
import { type RelayResult, relay, relaySockets } from "../../../machinery/network/relay.js";
import { resetSocket } from "../../../machinery/network/reset-socket.js";
import { SocketConnection } from "../../../machinery/network/socket-connection.js";
import type { DataPlane } from "../data-plane.js";
import type { Packet } from "../decision.js";
import type { FlowRecord } from "../flow-log.js";

/** Where a connection came from: a carrier waits for the answer byte, a host socket knows none. */
type Entrance = "carrier" | "host";

/** TCP through the data plane when it is a process: sockets in, sockets out, Node's pipe between them. */
export class LiveStreams {
  readonly #dataPlane: DataPlane;
  readonly #sessions: CarrierSessions;
  readonly #breakable: boolean;

  /** `breakable`: every connection passes through its link, so that faults act on it, at the price of Node's quicker pipe. */
  constructor(options: { dataPlane: DataPlane; sessions: CarrierSessions; breakable: boolean }) {
    this.#dataPlane = options.dataPlane;
    this.#sessions = options.sessions;
    this.#breakable = options.breakable;
  }

  /** Takes the socket; never rejects. */
  async serve(socket: Socket, packet: Packet, entrance: Entrance): Promise<void> {
    socket.on("error", () => {});
    if (this.#breakable || this.#dataPlane.router.retries(packet))
      return this.#serveSlowly(socket, packet, entrance);
    const { decision, record } = this.#dataPlane.begin(packet);
    const carrier = decision.hop?.carrier;
    if (decision.verdict !== "forward" || carrier === undefined) {
      const { verdict } = decision;
      const outcome = verdict === "refused" || verdict === "timed-out" ? verdict : "unreachable";
      this.#dataPlane.flows.ended(record, outcome, decision.reason);
      if (outcome === "timed-out") await this.#dataPlane.dropped();
      return turnAway(socket, outcome, entrance);
    }
    const session = this.#sessions.to(carrier);
    let upstream: Socket;
    try {
      upstream = await session.connect(decision.from, decision.to);
    } catch {
      const [outcome, who] = decision.hop?.isProxy
        ? (["refused", "proxy"] as const)
        : (["unreachable", "process"] as const);
      this.#dataPlane.flows.ended(record, outcome, `the node's ${who} does not answer`);
      return turnAway(socket, outcome, entrance);
    }
    if (upstream.destroyed) {
      this.#dataPlane.flows.ended(
        record,
        "unreachable",
        "this machine has no descriptor or port left for it",
      );
      return turnAway(socket, "unreachable", entrance);
    }
    const outcome = await join(socket, upstream, entrance, () => this.#dataPlane.flows.opened(record));
    // Whoever listened there is not a carrier (any more): ask for its port anew.
    if (outcome.answer === undefined) session.close();
    this.#finish(record, outcome.answer ?? "unreachable", outcome.result);
  }

  /** Through the dialer, which knows the delays and losses of faulty links, and tries again where a mode does. */
  async #serveSlowly(socket: Socket, packet: Packet, entrance: Entrance): Promise<void> {
    try {
      const { connection, record } = await this.#dataPlane.open(packet);
      if (entrance === "carrier") answer(socket, "open");
      const client = new SocketConnection(socket, packet.to, packet.from);
      this.#finish(record, "open", await relay(client, connection));
    } catch (err) {
      turnAway(socket, toAnswer(err), entrance);
    }
  }

  #finish(record: FlowRecord, outcome: Answer, result: RelayResult): void {
    record.sentBytes = result.forthBytes;
    record.receivedBytes = result.backBytes;
    const to = record.backend ?? record.destination;
    if (outcome === "open") this.#dataPlane.flows.ended(record, result.reset ? "reset" : "open");
    else this.#dataPlane.flows.ended(record, outcome, REASONS[outcome](to));
  }
}

/** What a carrier's answer means to someone who reads the flow log. */
const REASONS: Readonly<Record<Exclude<Answer, "open">, (to: string) => string>> = {
  refused: (to) => `nobody listens on ${to}`,
  unreachable: (to) => `${to} is gone from its node`,
  "timed-out": (to) => `${to} gave no answer`,
};

interface Joined {
  /** What the carrier said; undefined when it said nothing. */
  answer: Answer | undefined;
  result: RelayResult;
}

/** Bytes flow from the client at once. The first byte back is the carrier's answer; a carrier client gets it as it is. */
async function join(
  socket: Socket,
  upstream: Socket,
  entrance: Entrance,
  onOpen: () => void,
): Promise<Joined> {
  let outcome: Answer | undefined;
  const onFirst = (chunk: Buffer): void => {
    outcome = parseAnswer(chunk[0]);
    if (outcome === "open") onOpen();
    if (entrance === "carrier") return;
    if (outcome !== "open") {
      resetSocket(socket);
      return;
    }
    if (chunk.length > 1) socket.write(chunk.subarray(1));
    upstream.pipe(socket, { end: false });
  };
  upstream.once("data", onFirst);
  const result = await relaySockets(socket, upstream, { backLater: entrance === "host" });
  return { answer: outcome, result: { ...result, backBytes: Math.max(0, result.backBytes - 1) } };
}

function turnAway(socket: Socket, outcome: Answer, entrance: Entrance): void {
  if (entrance === "carrier") answer(socket, outcome);
  else resetSocket(socket);
}

function toAnswer(err: unknown): Answer {
  const reason = err instanceof ConnectionError ? err.reason : "unreachable";
  return reason === "refused" || reason === "timed-out" ? reason : "unreachable";
}

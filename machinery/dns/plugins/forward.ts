import type { RecordType } from "dns-packet";
import type { Rng } from "../../api/rng.js";
import type { SocketAddress } from "../../network/network.js";
import { formatAddress } from "../../network/addresses.js";
import type { DnsAnswer } from "../../network/resolver.js";
import { isInZone } from "../names.js";
import { type DnsReply, emptyReply, RCODES, type Rcode } from "../reply.js";
import type { DnsPlugin, DnsRequest } from "./plugin.js";

export interface ForwardOptions {
  /** Names at or below it are forwarded; "" is all. */
  from: string;
  /** Names that are not. */
  except: readonly string[];
  upstreams: readonly SocketAddress[];
  policy: "random" | "round_robin" | "sequential";
  /** 0: no limit. */
  mostConcurrent: number;
}

export interface ForwardSeams {
  /** One question to one server; undefined when it does not answer. */
  query: (name: string, type: RecordType, server: SocketAddress) => Promise<DnsAnswer | undefined>;
  rng: Rng;
  /** Told of each answer from outside. */
  observe?: (to: string, rcode: string) => void;
}

/** Beyond this many upstreams tried for one question it is a failure. */
const MOST_TRIES = 3;

// Upstream: coredns plugin/forward forward.go.
/** Asks other name servers for what is not in the cluster. */
export function forward(options: ForwardOptions, { query, rng, observe }: ForwardSeams): DnsPlugin {
  let concurrent = 0;
  let turn = 0;
  const inOrder = (): readonly SocketAddress[] => {
    const { policy, upstreams } = options;
    if (policy === "random") return rng.shuffle([...upstreams]);
    const first = policy === "round_robin" ? turn++ % Math.max(1, upstreams.length) : 0;
    return [...upstreams.slice(first), ...upstreams.slice(0, first)];
  };
  const ask = async ({ question }: DnsRequest): Promise<DnsReply> => {
    const tried = inOrder().slice(0, MOST_TRIES);
    for (const server of tried) {
      const answer = await query(question.name, question.type as RecordType, server);
      if (!answer) continue;
      observe?.(formatAddress(server), answer.rcode);
      return toReply(answer);
    }
    const problem = `no answer from ${tried.map(formatAddress).join(", ") || "any upstream"}`;
    return { ...emptyReply("SERVFAIL"), by: "forward", problem };
  };
  return (next) => (request) => {
    const isMine =
      isInZone(request.name, options.from) && !options.except.some((zone) => isInZone(request.name, zone));
    if (!isMine) return next(request);
    if (options.mostConcurrent > 0 && concurrent >= options.mostConcurrent) {
      return { ...emptyReply("REFUSED"), by: "forward", problem: "concurrent queries exceeded maximum" };
    }
    concurrent += 1;
    return ask(request).finally(() => {
      concurrent -= 1;
    });
  };
}

const toReply = ({ rcode, answers = [], authorities = [], additionals = [] }: DnsAnswer): DnsReply => ({
  rcode: Object.hasOwn(RCODES, rcode) ? (rcode as Rcode) : "SERVFAIL",
  authoritative: false,
  recursionAvailable: true,
  by: "forward",
  answers,
  authorities,
  additionals: additionals.filter(({ type }) => type !== "OPT"),
});

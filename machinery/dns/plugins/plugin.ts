import type { SocketAddress } from "../../network/network.js";
import type { DnsQuestion, DnsReply } from "../reply.js";

/** One question on its way through the plugins of a server. */
export interface DnsRequest {
  question: DnsQuestion;
  /** The question's name in lower case: what is compared. */
  name: string;
  from: SocketAddress;
  protocol: "udp" | "tcp";
  dnssecOk: boolean;
  /** Bytes of the query, for logs. */
  sizeBytes: number;
  /** What the asker takes, for logs. */
  limitBytes: number;
  id: number;
}

/** Answers, or asks the next; a promise only where something is waited for. */
export type DnsHandler = (request: DnsRequest) => DnsReply | Promise<DnsReply>;

export type DnsPlugin = (next: DnsHandler) => DnsHandler;

/** What comes after an answer, at once where it is there already. */
export function afterwards(
  reply: DnsReply | Promise<DnsReply>,
  change: (reply: DnsReply) => DnsReply,
): DnsReply | Promise<DnsReply> {
  return reply instanceof Promise ? reply.then(change) : change(reply);
}

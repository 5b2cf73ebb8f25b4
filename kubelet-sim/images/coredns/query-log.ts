import type { DnsExchange } from "../../../machinery/dns/dns-server.js";
import { formatAddress } from "../../../machinery/network/addresses.js";

// Upstream: coredns plugin/pkg/replacer, plugin/log's common format.
/** One line for each question, as plugin `log` prints it. */
export function queryLogLine(exchange: DnsExchange, durationSeconds: number): string {
  const { request, reply, responseBytes } = exchange;
  if (!request) return "";
  const { from, id, question, protocol, sizeBytes, dnssecOk, limitBytes } = request;
  const flags = [
    "qr",
    ...(reply.authoritative ? ["aa"] : []),
    "rd",
    ...(reply.recursionAvailable ? ["ra"] : []),
  ];
  const asked = `${question.type} IN ${question.name}. ${protocol} ${sizeBytes} ${dnssecOk} ${limitBytes}`;
  return `[INFO] ${formatAddress(from)} - ${id} "${asked}" ${reply.rcode} ${flags.join(",")} ${responseBytes} ${durationSeconds.toFixed(9)}s\n`;
}

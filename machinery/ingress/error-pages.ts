import type { Http1Answer } from "../network/http1-server.js";
import { reasonPhrase } from "../network/http1-writer.js";

/** nginx's own words where they are not the usual ones. */
const REASONS: Readonly<Record<number, string>> = {
  302: "Moved Temporarily",
  408: "Request Time-out",
  499: "Client Closed Request",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};

export const nginxReason = (status: number): string => REASONS[status] ?? reasonPhrase(status);

const pages = new Map<number, Uint8Array>();

/** nginx's page for an error or a redirect, without its version as ingress-nginx shows it. */
export function errorPage(status: number, headers: Readonly<Record<string, string>> = {}): Http1Answer {
  let body = pages.get(status);
  if (!body) {
    const title = `${status} ${nginxReason(status)}`;
    body = Buffer.from(
      `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
      "utf8",
    );
    pages.set(status, body);
  }
  return {
    status,
    reason: nginxReason(status),
    headers: { "content-type": "text/html", ...headers },
    body,
  };
}

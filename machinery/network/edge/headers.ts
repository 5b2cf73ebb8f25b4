import type { IncomingMessage } from "node:http";
import type { HttpHeaders } from "../../api/http.js";

/** Headers as the pipeline sees them: see HttpRequest.headers. */
export function toHttpHeaders(message: IncomingMessage): HttpHeaders {
  // No prototype: a header called __proto__ is a header.
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  if (headers["impersonate-group"] !== undefined) {
    headers["impersonate-group"] = (message.headersDistinct["impersonate-group"] ?? []).join("\u0000");
  }
  return headers;
}

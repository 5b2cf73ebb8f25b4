import type { Http1Request } from "../network/http1-server.js";
import type { ClientConnection } from "./client-connection.js";
import type { Found } from "./router.js";
import type { RequestTarget } from "./request-target.js";
import type { Route } from "./route.js";

/** One request on its way through the proxy: what is known of it, and what its line in the access log says. */
export interface Exchange {
  request: Http1Request;
  client: ClientConnection;
  /** Where the client came in. */
  scheme: "http" | "https";
  port: number;
  target: RequestTarget;
  /** The Host header as sent, or the target's. */
  host: string;
  requestId: string;
  startedAtMs: number;
  found?: Found;
  route?: Route;
  log: ExchangeLog;
}

export interface ExchangeLog {
  status: number;
  sentBytes: number;
  /** `default-web-80`; "" when no backend was chosen. */
  upstreamName: string;
  /** One entry for each attempt. */
  attempts: { address: string; status: number; receivedBytes: number; tookMs: number }[];
}

export const newExchangeLog = (): ExchangeLog => ({
  status: 0,
  sentBytes: 0,
  upstreamName: "",
  attempts: [],
});

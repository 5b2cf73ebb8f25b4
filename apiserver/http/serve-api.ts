import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../machinery/api/clock.js";
import type { HttpHandler, HttpRequest } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import { DEFAULT_BODY_LIMIT_BYTES, HttpEdge } from "../../machinery/network/edge/http-server.js";
import { isHotPath } from "./hot-path.js";

export interface ServeApiOptions {
  handler: HttpHandler;
  clock: Clock;
  logger: Logger;
  tls: { key: string; cert: string; clientCa: string };
}

/** The TLS edge of the API server: a small router in front, Express behind it for what is rarely asked. */
export function serveApi(options: ServeApiOptions): HttpEdge {
  let cold: Promise<(incoming: IncomingMessage, response: ServerResponse) => void> | undefined;
  const edge = new HttpEdge({
    ...options,
    bodyLimitBytes,
    intercept(incoming, response) {
      if (isHotPath(incoming.url ?? "/")) return false;
      cold ??= import("./express-app.js").then(({ expressApp }) =>
        expressApp((request, answer) => edge.serve(request, answer)),
      );
      cold
        .then((app) => app(incoming, response))
        .catch((err: unknown) => {
          options.logger.error("Express could not be loaded", { err });
          response.destroy();
        });
      return true;
    },
  });
  return edge;
}

/** What is proxied is not the server's to limit. */
const bodyLimitBytes = ({ path }: HttpRequest): number =>
  /^\/api\/v1\/[^?]*\/proxy(\/|\?|$)/.test(path) ? Infinity : DEFAULT_BODY_LIMIT_BYTES;

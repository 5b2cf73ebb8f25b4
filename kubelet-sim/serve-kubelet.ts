import type { Clock } from "../machinery/api/clock.js";
import type { HttpHandler, HttpRequest, HttpResponse } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import type { HttpEdge } from "../machinery/network/edge/http-server.js";
import type { ServeRequest } from "./kubelet.js";

export interface ServingOptions {
  /** What the node shows of itself; the API server does not check kubelets' names, as the real one does not by default. */
  tlsFor: (nodeName: string) => { key: string; cert: string; clientCa: string } | undefined;
  clock: Clock;
  logger: Logger;
}

/** Serves kubelets at port 10250 of their nodes. The TLS machinery is loaded when the first connection comes. */
export function kubeletServing(options: ServingOptions): (request: ServeRequest) => Promise<void> {
  return ({ nodeName, network, port, handler, signal }) => {
    let edge: Promise<HttpEdge> | undefined;
    const tls = options.tlsFor(nodeName);
    const listener = network.listen(port, (connection) => {
      edge ??= newEdge(options, tls ? requireCertificate(handler) : handler, tls);
      edge
        .then((ready) => ready.accept(connection))
        .catch((err: unknown) => {
          connection.reset();
          options.logger.error("Could not serve the kubelet API", { node: nodeName, err });
        });
    });
    signal.addEventListener(
      "abort",
      () => {
        listener.close();
        edge
          ?.then((ready) => ready.close(0))
          .catch((err: unknown) => options.logger.error("Edge failed", { err }));
      },
      { once: true },
    );
    return Promise.resolve();
  };
}

async function newEdge(
  { clock, logger }: ServingOptions,
  handler: HttpHandler,
  tls: { key: string; cert: string; clientCa: string } | undefined,
): Promise<HttpEdge> {
  const { HttpEdge: Edge } = await import("../machinery/network/edge/http-server.js");
  return new Edge({ handler, clock, logger, ...(tls ? { tls } : {}) });
}

const UNAUTHORIZED: HttpResponse = {
  status: 401,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: Buffer.from("Unauthorized"),
};

/** Health is for everyone; the rest is for the API server, which shows a certificate of the cluster's CA. */
const requireCertificate = (inner: HttpHandler): HttpHandler => {
  const isAllowed = (request: HttpRequest): boolean =>
    request.clientCertificate !== undefined || request.path.startsWith("/healthz");
  return {
    request: async (request, signal) => (isAllowed(request) ? inner.request(request, signal) : UNAUTHORIZED),
    upgrade: async (request, upgrade, signal) =>
      isAllowed(request) ? inner.upgrade(request, upgrade, signal) : UNAUTHORIZED,
  };
};

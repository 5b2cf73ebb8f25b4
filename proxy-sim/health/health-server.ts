import type { ObjectKey } from "../../machinery/api/resource.js";
import { familyOf, type IpFamily } from "../../machinery/network/addresses.js";
import { type Http1Answer, Http1Server } from "../../machinery/network/http1-server.js";
import type { OwnedConnection } from "../../machinery/network/memory-pipe.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { AcceptOutcome, Inbound } from "../../machinery/network/uplink.js";
import { HEALTHZ_PORT, METRICS_PORT } from "../dataplane/table.js";
import {
  type HealthAnswer,
  healthzAnswer,
  livezAnswer,
  type ProxyHealth,
  serviceHealthAnswer,
} from "./bodies.js";

/** What the servers tell of; asked for each request. Nodes are known by their addresses. */
export interface HealthSource {
  /** Undefined for an address that is no node's. */
  nodeAt(ip: string): string | undefined;
  health(node: string): ProxyHealth;
  /** The Service whose health check has this port. */
  serviceAt(healthCheckNodePort: number): ObjectKey | undefined;
  /** In the address family that was asked. */
  localEndpoints(service: ObjectKey, node: string, family: IpFamily): number;
  mode(node: string): string;
  metrics(): string;
  /** A request for `/healthz` or `/livez` was answered. */
  asked(path: "healthz" | "livez", status: number): void;
}

const MOST_CONNECTIONS = 4096;

/**
 * The ports that each node's kube-proxy listens on: 10256 (`/healthz`, `/livez`), 10249 (`/metrics`, `/proxyMode`), and a
 * health check for each Service that has one. One server stands for all nodes; it owns no timer.
 */
export class HealthServer implements Inbound {
  readonly #source: HealthSource;
  readonly #http: Http1Server;

  constructor(source: HealthSource) {
    this.#source = source;
    this.#http = new Http1Server(({ path, connection: { local } }) => this.#answer(local, path));
  }

  acceptConnection(_from: SocketAddress, to: SocketAddress, open: () => OwnedConnection): AcceptOutcome {
    if (this.#source.nodeAt(to.ip) === undefined) return "unreachable";
    const isServed = to.port === HEALTHZ_PORT || to.port === METRICS_PORT;
    if (!isServed && this.#source.serviceAt(to.port) === undefined) return "refused";
    if (this.#http.connectionCount >= MOST_CONNECTIONS) return "refused";
    // Ends with the connection; never rejects.
    void this.#http.serve(open());
    return "open";
  }

  /** The proxy has no UDP port. */
  acceptDatagram(): void {}

  close(): void {
    this.#http.shutdown();
  }

  #answer({ ip, port }: SocketAddress, url: string): Http1Answer {
    const node = this.#source.nodeAt(ip) ?? "";
    const [path = ""] = url.split("?");
    if (port === HEALTHZ_PORT) return this.#proxyHealth(node, path);
    if (port === METRICS_PORT) return this.#metrics(node, path);
    const service = this.#source.serviceAt(port);
    if (service === undefined) return notFound;
    const { healthy } = this.#source.health(node);
    return toAnswer(
      serviceHealthAnswer(service, this.#source.localEndpoints(service, node, familyOf(ip)), healthy),
    );
  }

  #proxyHealth(node: string, path: string): Http1Answer {
    if (path !== "/healthz" && path !== "/livez") return notFound;
    const answer = (path === "/healthz" ? healthzAnswer : livezAnswer)(this.#source.health(node));
    this.#source.asked(path === "/healthz" ? "healthz" : "livez", answer.status);
    return toAnswer(answer);
  }

  #metrics(node: string, path: string): Http1Answer {
    switch (path) {
      case "/metrics":
        return text(200, this.#source.metrics(), "text/plain; version=0.0.4; charset=utf-8");
      case "/healthz":
        return text(200, "ok");
      case "/proxyMode":
        return text(200, this.#source.mode(node));
      default:
        return notFound;
    }
  }
}

const text = (status: number, body: string, type = "text/plain; charset=utf-8"): Http1Answer => ({
  status,
  headers: { "content-type": type, "x-content-type-options": "nosniff" },
  body: Buffer.from(body),
});

const notFound = text(404, "404 page not found\n");

const toAnswer = ({ status, headers, body }: HealthAnswer): Http1Answer => ({
  status,
  headers,
  body: Buffer.from(body),
});

import type { Exchange } from "../../../machinery/ingress/exchange.js";
import { MetricsRegistry } from "../../../machinery/runtime/metrics.js";

/** nginx's and Prometheus' default buckets, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** ingress-nginx's metrics that have a meaning here, under its names. */
export class IngressMetrics {
  readonly #common: Readonly<Record<string, string>>;
  readonly #registry = new MetricsRegistry();
  readonly #requests = this.#registry.counter(
    "nginx_ingress_controller_requests",
    "The total number of client requests",
  );
  readonly #durations = this.#registry.histogram(
    "nginx_ingress_controller_request_duration_seconds",
    "The request processing time in seconds",
    BUCKETS,
  );
  readonly #connections = this.#registry.gauge(
    "nginx_ingress_controller_nginx_process_connections",
    "current number of client connections with state {active, reading, writing, waiting}",
  );
  readonly #upstreamTime = this.#registry.histogram(
    "nginx_ingress_controller_response_duration_seconds",
    "The time spent on receiving the response from the upstream server",
    BUCKETS,
  );

  constructor(of: { controllerClass: string; namespace: string; pod: string }) {
    this.#common = {
      controller_class: of.controllerClass,
      controller_namespace: of.namespace,
      controller_pod: of.pod,
    };
  }

  served({ request, route, found, log, startedAtMs }: Exchange, nowMs: number): void {
    const [namespace = "", ingress = ""] = (route?.owner ?? "").split("/");
    const labels = {
      ...this.#common,
      namespace,
      ingress,
      // Only hosts that an Ingress names: a client must not be able to make up new series.
      host: found?.virtualHost.host || "_",
      path: route?.match.path.value ?? "",
      service: route?.targets[0]?.target.name ?? "",
      method: METHODS.has(request.method) ? request.method : "OTHER",
      status: String(log.status),
    };
    this.#requests.inc(labels);
    this.#durations.observe((nowMs - startedAtMs) / 1000, labels);
    const last = log.attempts.at(-1);
    if (last) this.#upstreamTime.observe(last.tookMs / 1000, labels);
  }

  text(connections: number, active: number): string {
    this.#connections.set(connections, { ...this.#common, state: "active" });
    this.#connections.set(active, { ...this.#common, state: "writing" });
    this.#connections.set(connections - active, { ...this.#common, state: "waiting" });
    return this.#registry.expose();
  }
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"]);

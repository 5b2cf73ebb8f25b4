import { type ObjectKey, splitObjectKey } from "../../machinery/api/resource.js";

/** When a proxy last wrote its node's rules, and whether it is late with what it knows. */
export interface ProxyHealth {
  healthy: boolean;
  /** False for a node that is deleted, or that the cluster autoscaler is about to remove. */
  eligible: boolean;
  lastUpdatedMs: number;
  nowMs: number;
}

export interface HealthAnswer {
  status: 200 | 503;
  headers: Record<string, string>;
  body: string;
}

const HEADERS = { "content-type": "application/json", "x-content-type-options": "nosniff" };

// Upstream: pkg/proxy/healthcheck/service_health.go.
/** What a load balancer reads from a Service's `healthCheckNodePort` on one node. */
export function serviceHealthAnswer(
  service: ObjectKey,
  localEndpoints: number,
  proxyHealthy: boolean,
): HealthAnswer {
  const { namespace = "", name } = splitObjectKey(service);
  return {
    status: localEndpoints > 0 && proxyHealthy ? 200 : 503,
    headers: { ...HEADERS, "x-load-balancing-endpoint-weight": String(localEndpoints) },
    body: `{
	"service": {
		"namespace": ${JSON.stringify(namespace)},
		"name": ${JSON.stringify(name)}
	},
	"localEndpoints": ${localEndpoints},
	"serviceProxyHealthy": ${proxyHealthy}
}`,
  };
}

// Upstream: pkg/proxy/healthcheck/proxy_health.go.
/** `/healthz`: whether new connections should come to this node. */
export const healthzAnswer = (health: ProxyHealth): HealthAnswer => {
  const healthy = health.healthy && health.eligible;
  const times = timesOf(health, healthy);
  return {
    status: healthy ? 200 : 503,
    headers: HEADERS,
    body: `{${times}, "nodeEligible": ${health.eligible}}`,
  };
};

/** `/livez`: whether the proxy itself works. */
export const livezAnswer = (health: ProxyHealth): HealthAnswer => ({
  status: health.healthy ? 200 : 503,
  headers: HEADERS,
  body: `{${timesOf(health, health.healthy)}}`,
});

/** A healthy proxy was up to date just now, whenever it last had something to write. */
const timesOf = ({ lastUpdatedMs, nowMs }: ProxyHealth, healthy: boolean): string =>
  `"lastUpdated": "${goTime(healthy ? nowMs : lastUpdatedMs)}","currentTime": "${goTime(nowMs)}"`;

/** As Go prints a time: `2026-01-02 15:04:05.678 +0000 UTC`. */
const goTime = (ms: number): string =>
  `${new Date(ms).toISOString().replace("T", " ").replace("Z", "")} +0000 UTC`;

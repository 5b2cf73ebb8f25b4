import type { ObjectKey } from "../../machinery/api/resource.js";
import { familyOf } from "../../machinery/network/addresses.js";
import type { Proxy } from "../proxy.js";
import type { ReadonlyService } from "../rules.js";
import type { ProxyHealth } from "./bodies.js";
import type { HealthSource } from "./health-server.js";

/** Twice kube-proxy's `--iptables-sync-period`: a change that waits longer makes its proxy unhealthy. */
const HEALTH_TIMEOUT_MS = 60_000;

/** Which Service has its health check on which port. */
export class HealthCheckPorts {
  readonly #byPort = new Map<number, ObjectKey>();
  readonly #byService = new Map<ObjectKey, number>();

  set(key: ObjectKey, service?: ReadonlyService): void {
    const before = this.#byService.get(key);
    const now = service?.spec.healthCheckNodePort || undefined;
    if (before === now) return;
    if (before !== undefined && this.#byPort.get(before) === key) this.#byPort.delete(before);
    this.#byService.delete(key);
    if (now === undefined) return;
    this.#byPort.set(now, key);
    this.#byService.set(key, now);
  }

  at(port: number): ObjectKey | undefined {
    return this.#byPort.get(port);
  }
}

/** What one proxy's nodes answer on their health ports. */
export const healthSourceOf = (proxy: Proxy, ports: HealthCheckPorts): HealthSource => ({
  nodeAt: (ip) => proxy.nodes.at(ip),
  health: (node): ProxyHealth => {
    const nowMs = proxy.clock.nowMs();
    const pendingMs = proxy.cursors.pendingSinceMs(node, nowMs);
    return {
      healthy: pendingMs === undefined || nowMs - pendingMs < HEALTH_TIMEOUT_MS,
      eligible: proxy.nodes.isEligible(node),
      lastUpdatedMs: proxy.lastUpdatedMs,
      nowMs,
    };
  },
  serviceAt: (port) => ports.at(port),
  // Ready ones alone: those that terminate are to lose their traffic.
  localEndpoints: (service, node, family) => {
    const [route] = proxy.cursors.viewOf(node).routes(service);
    const local = (route?.backends ?? []).filter(({ ready, nodeName }) => ready && nodeName === node);
    return new Set(local.map(({ ip }) => ip).filter((ip) => familyOf(ip) === family)).size;
  },
  mode: (node) => proxy.modes.modeOf(node),
  metrics: () => proxy.metrics.registry.expose(),
  asked: (path, status) =>
    (path === "healthz" ? proxy.metrics.healthz : proxy.metrics.livez).inc({ code: status }),
});

import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import type { Proxy } from "./proxy.js";

/** What the proxy's admin socket offers. */
export function proxyHandlers(proxy: Proxy): AdminHandlers {
  return {
    "GET /health": () =>
      proxy.ready ? { ready: true } : { ready: false, reason: "no table was programmed yet" },
    "GET /metrics": () => proxy.metrics.registry.expose(),
    "GET /timeline": ({ query }) => {
      const service = query.get("service");
      const limit = Number(query.get("limit") ?? 200);
      const entries = proxy.timeline.list({ limit, ...(service === null ? {} : { service }) });
      return entries.map((entry) => ({ ...entry, revision: proxy.tableRevision(entry.revision) }));
    },
    "GET /views": ({ query }) => proxy.views.since(Number(query.get("since") ?? 0)),
    "GET /nodes": () =>
      proxy.nodes.all().map((route) => ({
        ...route,
        revision: proxy.tableRevision(proxy.cursors.revisionOf(route.nodeName)),
        mode: proxy.modes.of(route.nodeName),
        ...proxy.lagOf(route.nodeName),
        fault: proxy.cursors.own().get(route.nodeName)?.fault,
      })),
    "PUT /mode": ({ body }) => {
      const { mode, node } = body as { mode: string; node?: string };
      proxy.switchMode(mode, node);
    },
  };
}

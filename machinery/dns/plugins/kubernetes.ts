import { KubernetesZone } from "../kubernetes-zone.js";
import type { ClusterView } from "../cluster-view.js";
import { isInZone } from "../names.js";
import { type DnsReply, emptyReply } from "../reply.js";
import type { ZoneOptions } from "../zone-entries.js";
import { afterwards, type DnsHandler, type DnsPlugin, type DnsRequest } from "./plugin.js";

export interface KubernetesOptions extends ZoneOptions {
  /** The cluster domain and the reverse zones. */
  zones: readonly string[];
  /** Zones whose missing names are left to the next plugin; undefined: none. */
  fallthrough: readonly string[] | undefined;
}

export interface KubernetesSeams {
  view: ClusterView & { hasSynced(): boolean };
  /** Of the SOA record: seconds of the last change. */
  serial: () => number;
  /** The whole server: where aliases that leave the cluster are looked up. */
  lookup: DnsHandler;
}

// Upstream: coredns plugin/kubernetes handler.go.
/** Answers for the cluster domain. What is not found before the caches are complete is SERVFAIL, not NXDOMAIN. */
export function kubernetes(options: KubernetesOptions, { view, serial, lookup }: KubernetesSeams): DnsPlugin {
  const zone = new KubernetesZone(view, options);
  return (next) => (request) => {
    if (!options.zones.some((own) => isInZone(request.name, own))) return next(request);
    const outside = (question: DnsRequest["question"]): DnsReply | Promise<DnsReply> =>
      lookup({ ...request, question, name: question.name.toLowerCase() });
    const reply = zone.answer(request.question, { serial: serial(), lookup: outside });
    const falls = options.fallthrough?.some((own) => isInZone(request.name, own)) ?? false;
    if (falls && !(reply instanceof Promise) && reply.rcode === "NXDOMAIN") return next(request);
    return afterwards(reply, (found) =>
      found.rcode === "NXDOMAIN" && !view.hasSynced()
        ? { ...emptyReply("SERVFAIL"), by: "kubernetes" }
        : { ...found, by: "kubernetes" },
    );
  };
}

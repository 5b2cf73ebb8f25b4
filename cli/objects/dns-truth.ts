import { type Namespace, services } from "../../machinery/api/core-v1.js";
import { endpointSlices, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { clusterIPsOf, type ClusterView } from "../../machinery/dns/cluster-view.js";
import { KubernetesZone } from "../../machinery/dns/kubernetes-zone.js";
import type { LookupCost } from "./dns-cost.js";

const DOMAIN = "cluster.local";
const SERVICE_NAME = /\.([^.]+)\.svc\.cluster\.local$/;

/** An answer that is not what the API has now. */
export interface StaleAnswer {
  name: string;
  type: string;
  answered: string[];
  now: string[];
}

/** Answers about Services that differ from what the cluster's state says now: a replica's watch or a cache is behind. */
export async function staleAnswers(client: RestClient, { queries }: LookupCost): Promise<StaleAnswer[]> {
  const stale: StaleAnswer[] = [];
  const views = new Map<string, Promise<ClusterView>>();
  for (const { name, type, answers, truncated } of queries) {
    const namespace = SERVICE_NAME.exec(name.toLowerCase())?.[1];
    if (namespace === undefined || truncated) continue;
    const view = views.get(namespace) ?? viewOf(client, namespace);
    views.set(namespace, view);
    const zone = new KubernetesZone(await view, ZONE);
    const reply = await zone.answer({ name, type }, { serial: 0 });
    if (reply.answers.some((record) => record.type === "CNAME")) continue;
    const now = reply.answers
      .flatMap((record) => (record.type === "A" || record.type === "AAAA" ? [record.data] : []))
      .sort();
    const answered = answers.map(({ data }) => data).sort();
    if (now.join() !== answered.join()) stale.push({ name, type, answered, now });
  }
  return stale;
}

const ZONE = {
  domain: DOMAIN,
  ttlSeconds: 0,
  pods: "disabled",
  endpointPodNames: false,
  ignoreEmptyServices: false,
  localIPs: [],
} as const;

/** One namespace as the API has it now. */
async function viewOf(client: RestClient, namespace: string): Promise<ClusterView> {
  const known = await client.list(services, { namespace });
  const slices = await client.list(endpointSlices, { namespace });
  return {
    namespace: (name) => (name === namespace ? ({ metadata: { name } } as Namespace) : undefined),
    service: (_, name) => known.items.find(({ metadata }) => metadata.name === name),
    serviceByIP: (ip) => known.items.find((service) => clusterIPsOf(service).includes(ip)),
    slices: (_, service) =>
      slices.items.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === service),
    slicesByIP: () => [],
    podsByIP: () => [],
  };
}

import type { ProxyMode } from "../balancers/balancer.js";
import { backendKey } from "./route-entry.js";
import type { Backend, ServicePortRoute } from "./table.js";

/** A client's packet to a Service with `sessionAffinity: ClientIP`. */
export interface AffineClient {
  servicePort: string;
  clientIp: string;
  /** As the client dialled it, with the port. */
  destination: string;
  timeoutSeconds: number;
  nowMs: number;
}

/** Which endpoint a client used last, on one node; each mode has its own memory of it. Bounded. */
export interface AffinityTable {
  /** Nobody is held to anything. */
  readonly isEmpty: boolean;
  /** The endpoint that the client is held to, when it is one of those that may be used. */
  lookup(client: AffineClient, backends: readonly Backend[]): Backend | undefined;
  remember(client: AffineClient, backend: Backend): void;
  /** The rules of this service port were written anew; without a route they are gone. */
  follow(servicePort: string, route?: ServicePortRoute): void;
}

export function newAffinityTable(mode: ProxyMode): AffinityTable {
  switch (mode) {
    case "iptables":
      return new EndpointLists({ mostClients: RECENT_LIST_TOTAL, whenFull: "forget-oldest" });
    case "nftables":
      return new EndpointLists({ mostClients: NFTABLES_SET_SIZE, whenFull: "refuse" });
    case "ipvs":
      return new ClientEntries(({ destination, clientIp }) => `${destination} ${clientIp}`);
    case "userspace":
      return new ClientEntries(({ servicePort, clientIp }) => `${servicePort} ${clientIp}`);
  }
}

/** xt_recent's `ip_list_tot`: so many clients are remembered for each endpoint, and no more. */
const RECENT_LIST_TOTAL = 100;
/** The size that kube-proxy gives its affinity sets. */
const NFTABLES_SET_SIZE = 65_535;
/** For the modes whose memory has no limit of its own. */
const MOST_ENTRIES = 65_536;

/** Client → when it was seen last, the longest unseen first. */
type Clients = Map<string, number>;

interface ListLimit {
  mostClients: number;
  whenFull: "forget-oldest" | "refuse";
}

/** A list of clients for each endpoint: the recent match of iptables, the dynamic sets of nftables. */
class EndpointLists implements AffinityTable {
  readonly #limit: ListLimit;
  /** By service port, then by endpoint. */
  readonly #lists = new Map<string, Map<string, Clients>>();

  constructor(limit: ListLimit) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#lists.size === 0;
  }

  lookup(client: AffineClient, backends: readonly Backend[]): Backend | undefined {
    const lists = this.#lists.get(client.servicePort);
    if (!lists) return undefined;
    return backends.find((backend) => {
      const clients = lists.get(backendKey(backend));
      const seenMs = clients?.get(client.clientIp);
      if (clients === undefined || seenMs === undefined) return false;
      if (isFresh(seenMs, client)) return true;
      clients.delete(client.clientIp);
      return false;
    });
  }

  remember(client: AffineClient, backend: Backend): void {
    const lists = this.#lists.get(client.servicePort) ?? new Map<string, Clients>();
    this.#lists.set(client.servicePort, lists);
    const clients = lists.get(backendKey(backend)) ?? new Map<string, number>();
    lists.set(backendKey(backend), clients);
    const { mostClients, whenFull } = this.#limit;
    if (!clients.delete(client.clientIp) && clients.size >= mostClients) {
      reap(clients, client);
      if (clients.size >= mostClients && whenFull === "refuse") return;
      if (clients.size >= mostClients) forgetOldest(clients);
    }
    clients.set(client.clientIp, client.nowMs);
  }

  /** The list of an endpoint goes with its chain. */
  follow(servicePort: string, route?: ServicePortRoute): void {
    const lists = this.#lists.get(servicePort);
    if (!lists) return;
    const kept = new Set(route?.sessionAffinitySeconds === undefined ? [] : withChain(route).map(backendKey));
    for (const key of lists.keys()) if (!kept.has(key)) lists.delete(key);
    if (lists.size === 0) this.#lists.delete(servicePort);
  }
}

const withChain = ({ backends }: ServicePortRoute): Backend[] =>
  backends.filter(({ ready, serving, terminating }) => ready || (serving && terminating));

/** An entry for each client: the persistence templates of IPVS, the session map of userspace mode. */
class ClientEntries implements AffinityTable {
  readonly #keyOf: (client: AffineClient) => string;
  readonly #entries = new Map<string, { backend: string; seenMs: number }>();

  constructor(keyOf: (client: AffineClient) => string) {
    this.#keyOf = keyOf;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  lookup(client: AffineClient, backends: readonly Backend[]): Backend | undefined {
    const key = this.#keyOf(client);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (isFresh(entry.seenMs, client))
      return backends.find((backend) => backendKey(backend) === entry.backend);
    this.#entries.delete(key);
    return undefined;
  }

  remember(client: AffineClient, backend: Backend): void {
    const key = this.#keyOf(client);
    this.#entries.delete(key);
    if (this.#entries.size >= MOST_ENTRIES) forgetOldest(this.#entries);
    this.#entries.set(key, { backend: backendKey(backend), seenMs: client.nowMs });
  }

  /** An endpoint that comes back finds its clients again, until their time is over. */
  follow(): void {}
}

const isFresh = (seenMs: number, { nowMs, timeoutSeconds }: AffineClient): boolean =>
  nowMs - seenMs < timeoutSeconds * 1000;

/** Drops those whose time is over; the oldest come first. */
function reap(clients: Clients, at: AffineClient): void {
  for (const [ip, seenMs] of clients) {
    if (isFresh(seenMs, at)) return;
    clients.delete(ip);
  }
}

function forgetOldest(entries: Map<string, unknown>): void {
  for (const oldest of entries.keys()) return void entries.delete(oldest);
}

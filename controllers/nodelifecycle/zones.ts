import type { Clock } from "../../machinery/api/clock.js";
import type { Node } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { TokenBucket } from "../../machinery/client/token-bucket.js";
import { readyStatus } from "./taints.js";

type CachedNode = DeepReadonly<Node>;
export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

/** One node in ten seconds (--node-eviction-rate), one in a hundred in a disrupted zone of a large cluster. */
const EVICTIONS_PER_SECOND = 0.1;
const SECONDARY_EVICTIONS_PER_SECOND = 0.01;
const LARGE_CLUSTER = 50;
const UNHEALTHY_SHARE = 0.55;

export function zoneOf({ metadata }: CachedNode): string {
  const { labels = {} } = metadata;
  const region = labels["topology.kubernetes.io/region"] ?? "";
  return `${region}:\u0000:${labels["topology.kubernetes.io/zone"] ?? ""}`;
}

// Upstream: pkg/controller/nodelifecycle ComputeZoneState.
export function zoneState(nodes: readonly CachedNode[]): ZoneState {
  const notReady = nodes.filter((node) => readyStatus(node) !== "True").length;
  if (notReady === nodes.length && nodes.length > 0) return "FullDisruption";
  return notReady > 2 && notReady / nodes.length >= UNHEALTHY_SHARE ? "PartialDisruption" : "Normal";
}

/** Lets evictions begin slowly, and not at all when everything is down: then the fault is more likely ours. */
export class EvictionLimiter {
  readonly #clock: Clock;
  readonly #nodes: () => readonly CachedNode[];
  readonly #buckets = new Map<string, { perSecond: number; bucket: TokenBucket }>();
  #states: { atMs: number; states: Map<string, ZoneState>; size: number } | undefined;

  constructor(clock: Clock, nodes: () => readonly CachedNode[]) {
    this.#clock = clock;
    this.#nodes = nodes;
  }

  mayEvict(node: CachedNode, evicting: boolean): boolean {
    const { states, size } = this.#current();
    if ([...states.values()].every((state) => state === "FullDisruption")) return false;
    if (evicting) return true;
    const zone = zoneOf(node);
    const perSecond = rateOf(states.get(zone) ?? "Normal", size);
    return perSecond > 0 && this.#bucket(zone, perSecond).tryTake();
  }

  /** Counting every node for each node would cost their square; a second old is young enough. */
  #current(): { states: Map<string, ZoneState>; size: number } {
    const atMs = this.#clock.monotonicMs();
    if (this.#states && atMs - this.#states.atMs < 1000) return this.#states;
    const nodes = this.#nodes();
    const zones = new Map<string, CachedNode[]>();
    for (const node of nodes) {
      const zone = zones.get(zoneOf(node));
      if (zone) zone.push(node);
      else zones.set(zoneOf(node), [node]);
    }
    const states = new Map([...zones].map(([zone, members]) => [zone, zoneState(members)]));
    this.#states = { atMs, states, size: nodes.length };
    return this.#states;
  }

  #bucket(zone: string, perSecond: number): TokenBucket {
    const known = this.#buckets.get(zone);
    if (known?.perSecond === perSecond) return known.bucket;
    const bucket = new TokenBucket({ clock: this.#clock, perSecond, burst: 1 });
    this.#buckets.set(zone, { perSecond, bucket });
    return bucket;
  }
}

const rateOf = (state: ZoneState, clusterSize: number): number =>
  state === "PartialDisruption"
    ? clusterSize > LARGE_CLUSTER
      ? SECONDARY_EVICTIONS_PER_SECOND
      : 0
    : EVICTIONS_PER_SECOND;

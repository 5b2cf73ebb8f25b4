import { createHash } from "node:crypto";
import type { Rng } from "../api/rng.js";
import type { Canary, WeightedTarget } from "./route.js";
import type { Upstream, UpstreamEndpoint } from "./service-upstreams.js";

/** Takes turns among the endpoints of each upstream, from a random one on. */
export class RoundRobin {
  readonly #rng: Rng;
  readonly #next = new WeakMap<Upstream, number>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Undefined once all were tried. With a `key`, the same endpoint as long as it is there. */
  pick(upstream: Upstream, tried: ReadonlySet<UpstreamEndpoint>, key?: string): UpstreamEndpoint | undefined {
    const { endpoints } = upstream;
    if (endpoints.length === 0 || tried.size >= endpoints.length) return undefined;
    if (key !== undefined) return byKey(endpoints, tried, key);
    let at = this.#next.get(upstream) ?? this.#rng.int(0, endpoints.length - 1);
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[at % endpoints.length];
      at = (at + 1) % endpoints.length;
      if (!endpoint || tried.has(endpoint)) continue;
      this.#next.set(upstream, at);
      return endpoint;
    }
    return undefined;
  }
}

/** Rendezvous hashing: when an endpoint goes, only its own keys move. */
function byKey(
  endpoints: readonly UpstreamEndpoint[],
  tried: ReadonlySet<UpstreamEndpoint>,
  key: string,
): UpstreamEndpoint | undefined {
  let best: { endpoint: UpstreamEndpoint; score: number } | undefined;
  for (const endpoint of endpoints) {
    if (tried.has(endpoint)) continue;
    const score = createHash("md5").update(`${endpoint.name} ${key}`).digest().readUIntBE(0, 6);
    if (!best || score > best.score) best = { endpoint, score };
  }
  return best?.endpoint;
}

/** One target by weight; undefined when none has any. */
export function pickTarget(targets: readonly WeightedTarget[], rng: Rng): WeightedTarget | undefined {
  if (targets.length < 2) return targets[0];
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  let left = rng.next() * total;
  return targets.find(({ weight }) => {
    left -= weight;
    return weight > 0 && left < 0;
  });
}

/** Whether the canary takes a request: its header decides, else its cookie, else chance (ingress-nginx, "Canary"). */
export function takesCanary(
  canary: Canary,
  {
    headers,
    cookie,
  }: { headers: Readonly<Record<string, string>>; cookie: (name: string) => string | undefined },
  rng: Rng,
): boolean {
  const { header } = canary;
  const sent = header && headers[header.name];
  if (header && sent !== undefined) {
    if (header.value !== undefined) {
      if (sent === header.value) return true;
    } else if (header.pattern) {
      if (header.pattern.test(sent)) return true;
    } else if (sent === "always") return true;
    else if (sent === "never") return false;
  }
  const crumb = canary.cookie === undefined ? undefined : cookie(canary.cookie);
  if (crumb === "always") return true;
  if (crumb === "never") return false;
  return canary.weight > 0 && rng.next() * canary.weightTotal < canary.weight;
}

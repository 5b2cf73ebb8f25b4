import type { Container } from "../../machinery/api/core-v1.js";
import type { DeepReadonly, Quantity } from "../../machinery/api/meta-v1.js";
import { quantityMilliValue, quantityValue } from "../../machinery/api/quantity.js";
import type { CachedPod } from "../pod-state.js";

/** Amounts by resource name: `cpu` in thousandths, everything else in whole units (bytes). */
export type Amounts = ReadonlyMap<string, number>;

/** What scoring assumes for containers that request nothing, so that they do not all land on one node. */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

export interface PodResources {
  requests: Amounts;
  /** cpu and memory with the defaults above. */
  assumedMilliCpu: number;
  assumedMemoryBytes: number;
}

const known = new WeakMap<object, PodResources>();
const parsed = new Map<string, number>();
const MOST_PARSED = 10_000;

/** What a pod takes from its node, computed once per pod object (upstream resourcehelper.PodRequests). */
export function podResources(pod: CachedPod): PodResources {
  let resources = known.get(pod);
  if (!resources) {
    resources = compute(pod);
    known.set(pod, resources);
  }
  return resources;
}

export function toAmounts(quantities: Readonly<Record<string, Quantity>> | undefined): Amounts {
  return new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, toAmount(name, text)]));
}

function toAmount(name: string, text: Quantity): number {
  const key = `${name === "cpu"}${text}`;
  let amount = parsed.get(key);
  if (amount === undefined) {
    amount = name === "cpu" ? quantityMilliValue(text) : quantityValue(text);
    if (parsed.size >= MOST_PARSED) parsed.clear();
    parsed.set(key, amount);
  }
  return amount;
}

function compute(pod: CachedPod): PodResources {
  const { containers, initContainers = [], overhead } = pod.spec;
  const requests = new Map<string, number>();
  let assumedMilliCpu = 0;
  let assumedMemoryBytes = 0;
  for (const container of containers) {
    const own = requestsOf(container);
    addTo(requests, own);
    assumedMilliCpu += own.get("cpu") ?? DEFAULT_MILLI_CPU;
    assumedMemoryBytes += own.get("memory") ?? DEFAULT_MEMORY_BYTES;
  }
  const sidecars = new Map<string, number>();
  const init = new Map<string, number>();
  for (const container of initContainers) {
    const own = requestsOf(container);
    if (container.restartPolicy === "Always") {
      addTo(sidecars, own);
      addTo(requests, own);
      raiseTo(init, sidecars);
    } else {
      // It runs alone but for the sidecars started before it.
      const together = new Map(sidecars);
      addTo(together, own);
      raiseTo(init, together);
    }
  }
  raiseTo(requests, init);
  addTo(requests, toAmounts(overhead));
  return {
    requests,
    assumedMilliCpu: Math.max(assumedMilliCpu, requests.get("cpu") ?? 0),
    assumedMemoryBytes: Math.max(assumedMemoryBytes, requests.get("memory") ?? 0),
  };
}

const requestsOf = (container: DeepReadonly<Container>): Amounts => toAmounts(container.resources?.requests);

function addTo(total: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) total.set(name, (total.get(name) ?? 0) + amount);
}

function raiseTo(total: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) total.set(name, Math.max(total.get(name) ?? 0, amount));
}

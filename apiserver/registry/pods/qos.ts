import type { Container, Pod, PodStatus } from "../../../machinery/api/core-v1.js";
import { addQuantities, type ParsedQuantity, parseQuantity } from "../../../machinery/api/quantity.js";

const COUNTED = ["cpu", "memory"];

/** Upstream: pkg/apis/core/v1/helper/qos ComputePodQOS. */
export function qosClassOf(pod: Pod): NonNullable<PodStatus["qosClass"]> {
  const requests = new Map<string, ParsedQuantity>();
  const limits = new Map<string, ParsedQuantity>();
  let everyContainerLimited = true;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    collect(container.resources?.requests, requests);
    if (collect(container.resources?.limits, limits) < COUNTED.length) everyContainerLimited = false;
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const equal =
    requests.size === limits.size &&
    [...requests].every(([name, request]) => limits.get(name)?.nanos === request.nanos);
  return everyContainerLimited && equal ? "Guaranteed" : "Burstable";
}

function collect(
  list: NonNullable<Container["resources"]>["limits"],
  into: Map<string, ParsedQuantity>,
): number {
  let found = 0;
  for (const name of COUNTED) {
    const text = list?.[name];
    const quantity = text === undefined ? undefined : parseQuantity(text);
    if (!quantity || quantity.nanos <= 0n) continue;
    found += 1;
    const sum = into.get(name);
    into.set(name, sum ? addQuantities(sum, quantity) : quantity);
  }
  return found;
}

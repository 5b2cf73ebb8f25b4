import type { Node } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { quantityMilliValue } from "../../machinery/api/quantity.js";
import type { CpuRatios } from "./topology-allocation.js";

type CachedNode = DeepReadonly<Node>;

const CONTROL_PLANE_LABELS = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** What a node says: its share, that it lacks the information, or nothing because it does not count. */
type Share = { zone: string; milliCpu: number } | "lacking";

// Upstream: staging/src/k8s.io/endpointslice/topologycache SetNodes.
/** The CPU of each zone's ready nodes, kept up to date node by node. */
export class ZoneCpu {
  readonly #shares = new Map<string, Share>();
  readonly #milliCpuByZone = new Map<string, number>();
  #lackingCount = 0;
  #ratios: CpuRatios | undefined;

  /** True when the node's share is another than before. */
  set(node: CachedNode): boolean {
    const { name } = node.metadata;
    const share = shareOf(node);
    const before = this.#shares.get(name);
    if (JSON.stringify(share) === JSON.stringify(before)) return false;
    this.#account(before, -1);
    this.#account(share, 1);
    if (share) this.#shares.set(name, share);
    else this.#shares.delete(name);
    return true;
  }

  remove(name: string): boolean {
    const before = this.#shares.get(name);
    this.#account(before, -1);
    return this.#shares.delete(name);
  }

  /** Empty when a node lacks a zone or CPU, or when there are not two zones. */
  get ratios(): CpuRatios {
    this.#ratios ??= this.#compute();
    return this.#ratios;
  }

  #compute(): CpuRatios {
    if (this.#lackingCount > 0 || this.#milliCpuByZone.size < 2) return new Map();
    const total = [...this.#milliCpuByZone.values()].reduce((sum, cpu) => sum + cpu, 0);
    return new Map(
      [...this.#milliCpuByZone]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([zone, cpu]) => [zone, cpu / total]),
    );
  }

  #account(share: Share | undefined, sign: 1 | -1): void {
    if (!share) return;
    this.#ratios = undefined;
    if (share === "lacking") {
      this.#lackingCount += sign;
      return;
    }
    const cpu = (this.#milliCpuByZone.get(share.zone) ?? 0) + sign * share.milliCpu;
    if (cpu > 0) this.#milliCpuByZone.set(share.zone, cpu);
    else this.#milliCpuByZone.delete(share.zone);
  }
}

function shareOf({ metadata, status }: CachedNode): Share | undefined {
  if (CONTROL_PLANE_LABELS.some((label) => metadata.labels?.[label] !== undefined)) return undefined;
  if (!status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"))
    return undefined;
  const zone = metadata.labels?.["topology.kubernetes.io/zone"];
  const milliCpu = quantityMilliValue(status.allocatable?.["cpu"]);
  return zone && milliCpu > 0 ? { zone, milliCpu } : "lacking";
}

import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";

/** When a pod's Ready condition changed on this node: the API keeps that to the second only. */
export interface ReadinessChange {
  pod: string;
  ready: boolean;
  atMs: number;
}

const MOST_KEPT = 2000;

/** The last changes of one node, for `kubesim timeline`. */
export class ReadinessLog {
  readonly #changes: ReadinessChange[] = [];

  note({ metadata }: Pod, before: PodStatus, now: PodStatus, atMs: number): void {
    if (isReady(before) === isReady(now)) return;
    this.#changes.push({ pod: `${metadata.namespace}/${metadata.name}`, ready: isReady(now), atMs });
    if (this.#changes.length > 2 * MOST_KEPT) this.#changes.splice(0, MOST_KEPT);
  }

  list(): readonly ReadinessChange[] {
    return this.#changes;
  }
}

const isReady = (status: PodStatus): boolean =>
  status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;

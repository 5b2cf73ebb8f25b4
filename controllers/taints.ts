import type { Taint, Toleration } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";

// Upstream: k8s.io/component-helpers scheduling/corev1 ToleratesTaint.
export function tolerates(toleration: DeepReadonly<Toleration>, taint: DeepReadonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "Equal") {
    case "Exists":
      return true;
    case "Equal":
      return (toleration.value ?? "") === (taint.value ?? "") && toleration.key === taint.key;
    case "Lt":
      return Number(taint.value) < Number(toleration.value);
    case "Gt":
      return Number(taint.value) > Number(toleration.value);
  }
}

export const isTolerated = (
  taint: DeepReadonly<Taint>,
  tolerations: readonly DeepReadonly<Toleration>[] | undefined,
): boolean => (tolerations ?? []).some((toleration) => tolerates(toleration, taint));

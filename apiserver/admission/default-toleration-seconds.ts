import { type Pod, pods, type Toleration } from "../../machinery/api/core-v1.js";
import type { AdmissionPlugin } from "./chain.js";

const TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const SECONDS = 300;

/** A pod stays five minutes on a node that failed, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit({ operation, resource, subresource, object }) {
    if (resource.plural !== pods.plural || resource.group !== "" || subresource !== "") return;
    if (!object || (operation !== "CREATE" && operation !== "UPDATE")) return;
    const { spec } = object as Pod;
    const missing = TAINTS.filter((key) => !tolerates(spec.tolerations ?? [], key));
    if (missing.length === 0) return;
    spec.tolerations = [
      ...(spec.tolerations ?? []),
      ...missing.map(
        (key): Toleration => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: SECONDS }),
      ),
    ];
  },
};

const tolerates = (tolerations: readonly Toleration[], taint: string): boolean =>
  tolerations.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === "NoExecute"));

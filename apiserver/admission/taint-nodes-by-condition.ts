import { type Node, nodes } from "../../machinery/api/core-v1.js";
import type { AdmissionPlugin } from "./chain.js";

const NOT_READY = "node.kubernetes.io/not-ready";

/** A new node takes no pods before the node lifecycle controller has seen it ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit({ operation, resource, subresource, object }) {
    if (operation !== "CREATE" || subresource !== "") return;
    if (resource.plural !== nodes.plural || resource.group !== "" || !object) return;
    const { spec } = object as Node;
    const taints = spec.taints ?? [];
    if (taints.some((taint) => taint.key === NOT_READY && taint.effect === "NoSchedule")) return;
    spec.taints = [...taints, { key: NOT_READY, effect: "NoSchedule" }];
  },
};

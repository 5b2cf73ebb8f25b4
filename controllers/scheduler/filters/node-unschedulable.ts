import { isTolerated } from "../../taints.js";
import { type Filter, unresolvable } from "../filter.js";

const TAINT = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Cordoned nodes. */
export const nodeUnschedulable: Filter = {
  name: "NodeUnschedulable",
  prepare({ spec }) {
    if (isTolerated(TAINT, spec.tolerations)) return undefined;
    return ({ node }) => (node.spec.unschedulable ? unresolvable("node(s) were unschedulable") : undefined);
  },
};

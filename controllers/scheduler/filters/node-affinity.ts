import { matchesNode } from "../../node-selector.js";
import { type Filter, unresolvable } from "../filter.js";

export const nodeAffinity: Filter = {
  name: "NodeAffinity",
  prepare(pod) {
    const { nodeSelector, affinity } = pod.spec;
    if (!nodeSelector && !affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
      return undefined;
    return ({ node }) =>
      matchesNode(pod, node) ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector");
  },
};

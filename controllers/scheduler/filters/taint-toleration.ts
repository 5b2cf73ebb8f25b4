import { isTolerated } from "../../taints.js";
import { type Filter, unresolvable } from "../filter.js";

export const taintToleration: Filter = {
  name: "TaintToleration",
  prepare({ spec }) {
    return ({ node }) => {
      const untolerated = node.spec.taints?.some(
        (taint) => taint.effect !== "PreferNoSchedule" && !isTolerated(taint, spec.tolerations),
      );
      return untolerated ? unresolvable("node(s) had untolerated taint(s)") : undefined;
    };
  },
};

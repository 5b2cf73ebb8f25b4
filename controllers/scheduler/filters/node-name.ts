import { type Filter, unresolvable } from "../filter.js";

export const nodeName: Filter = {
  name: "NodeName",
  prepare({ spec }) {
    if (!spec.nodeName) return undefined;
    return (node) =>
      node.name === spec.nodeName ? undefined : unresolvable("node(s) didn't match the requested node name");
  },
};

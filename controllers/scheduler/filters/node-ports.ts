import { type Filter, resolvable } from "../filter.js";
import { hostPorts, type NodeState } from "../node-state.js";

export const nodePorts: Filter = {
  name: "NodePorts",
  prepare(pod) {
    const wanted = hostPorts(pod);
    if (wanted.length === 0) return undefined;
    return (node) =>
      wanted.some((port) => isTaken(port, node))
        ? resolvable("node(s) didn't have free ports for the requested pod ports")
        : undefined;
  },
};

/** 0.0.0.0 clashes with every address. */
function isTaken(wanted: string, node: NodeState): boolean {
  if (node.ports.has(wanted)) return true;
  const [ip, protocol, port] = wanted.split("/");
  if (ip !== "0.0.0.0") return node.ports.has(`0.0.0.0/${protocol}/${port}`);
  return [...node.ports.keys()].some((used) => used.endsWith(`/${protocol}/${port}`));
}

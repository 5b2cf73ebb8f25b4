import type { Filter } from "./filter.js";
import { interPodAffinity } from "./filters/inter-pod-affinity.js";
import { nodeAffinity } from "./filters/node-affinity.js";
import { nodeName } from "./filters/node-name.js";
import { nodePorts } from "./filters/node-ports.js";
import { nodeResourcesFit } from "./filters/node-resources-fit.js";
import { nodeUnschedulable } from "./filters/node-unschedulable.js";
import { podTopologySpread } from "./filters/pod-topology-spread.js";
import { taintToleration } from "./filters/taint-toleration.js";

/** In upstream's order: the first that rejects a node gives the reason. */
export const filters: readonly Filter[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  podTopologySpread,
  interPodAffinity,
];

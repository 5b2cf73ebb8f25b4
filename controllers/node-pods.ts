import type { Pod } from "../machinery/api/core-v1.js";
import type { Informer } from "../machinery/client/informer.js";
import type { CachedPod } from "./pod-state.js";

const BY_NODE = "node";

/** Lets `podsOnNode` find a node's pods without walking all of them. */
export const indexByNode = (pods: Informer<Pod>): void =>
  pods.addIndex(BY_NODE, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));

export const podsOnNode = (pods: Informer<Pod>, nodeName: string): CachedPod[] =>
  pods.byIndex(BY_NODE, nodeName);

import { type Node, nodes } from "../../../machinery/api/core-v1.js";
import type { ProxyDialer } from "../proxy.js";
import { type ServedResource, type Strategy, serve } from "../serve.js";
import { nodeColumns, nodeRow } from "./columns.js";
import { nodeProxy } from "./proxy.js";
import { validateNode, validateNodeUpdate } from "./validate.js";

function defaultNode(node: Node): void {
  node.spec ??= {};
  node.status ??= {};
}

const strategy: Strategy<Node> = {
  defaults: defaultNode,
  prepareForCreate(node) {
    delete node.metadata.generation;
    if (node.spec.podCIDR && !node.spec.podCIDRs) node.spec.podCIDRs = [node.spec.podCIDR];
  },
  prepareForUpdate(node, old) {
    node.status = old.status;
    if (node.spec.podCIDR && !node.spec.podCIDRs) node.spec.podCIDRs = [node.spec.podCIDR];
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
};

const statusStrategy: Strategy<Node> = {
  prepareForUpdate(node, old) {
    node.spec = old.spec;
  },
};

/** Nodes; `dial` reaches ports other than the kubelet's through their proxy subresource. */
export const nodeResource = (dial: ProxyDialer | undefined): ServedResource<Node> =>
  serve(nodes, {
    strategy,
    columns: nodeColumns,
    row: nodeRow,
    selectableFields: ["spec.unschedulable"],
    fieldsOf: (node) => ({ "spec.unschedulable": String(node.spec.unschedulable ?? false) }),
    subresources: {
      status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
      proxy: nodeProxy(dial),
    },
  });

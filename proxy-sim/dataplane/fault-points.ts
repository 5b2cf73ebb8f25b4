import { parseLinkFault } from "../../machinery/network/links.js";
import type { FaultPoints } from "../../machinery/runtime/fault-points.js";
import type { DataPlane } from "./data-plane.js";

/** Where the nodes' kernels and the links between hosts can be broken. */
export function defineDataPlaneFaults(points: FaultPoints, dataPlane: DataPlane): void {
  let links = 0;
  points.define({
    name: "link",
    summary: "packets between hosts are late, lost or cut",
    inject(parameters) {
      const name = `fault-${++links}`;
      dataPlane.links.set(name, parseLinkFault(parameters));
      return () => dataPlane.links.clear(name);
    },
  });
  points.define({
    name: "node-kernel",
    summary: "a node's kernel is gone: tables, conntrack and flows with it",
    inject({ node }) {
      dataPlane.crashNode(String(node as string));
      return () => dataPlane.bootNode(String(node as string));
    },
  });
}

import { parseLinkFault } from "../../machinery/network/links.js";
import { FaultParameters } from "../../machinery/runtime/fault-parameters.js";
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
    name: "flush-tables",
    summary: "the rules of these nodes are gone; their proxies write them anew at the end",
    inject({ nodes }) {
      dataPlane.flushTables(namesIn(nodes));
      return () => dataPlane.askForEverything();
    },
  });
  points.define({
    name: "partial-program",
    summary: "the rules of a share of all service ports stay as they are, whatever a proxy writes",
    inject(parameters) {
      const undo = dataPlane.programming.writePartly(parameters);
      return () => {
        undo();
        dataPlane.askForEverything();
      };
    },
  });
  points.define({
    name: "stale-conntrack",
    summary: "UDP entries whose endpoints are gone are not deleted",
    inject: () => dataPlane.programming.keepConntrack(),
  });
  points.define({
    name: "descriptors",
    summary: "connections beyond a number are refused",
    inject: (parameters) =>
      dataPlane.limitConnections(new FaultParameters(parameters, ["most"]).number("most")),
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

function namesIn(value: unknown): string[] {
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw new RangeError("nodes must be a list of names");
}

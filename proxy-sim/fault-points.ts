import { FaultParameters } from "../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../machinery/runtime/fault-points.js";
import type { NodeFault } from "./cursors.js";
import type { Proxy } from "./proxy.js";

/** Where the proxy can be broken. */
export function defineProxyFaults(points: FaultPoints, proxy: Proxy): void {
  points.define({
    name: "cursor",
    summary: "a node hears of changes late, or not at all",
    inject(parameters) {
      const fault = parameters as unknown as NodeFault;
      proxy.faultCursor(fault);
      return () => proxy.healCursor(fault.node);
    },
  });
  points.define({
    name: "mode",
    summary: "a node, or every node, works in another mode",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["node", "mode"]);
      const node = read.text("node");
      const before = node === undefined ? proxy.modes.part.balancer : proxy.modes.of(node);
      proxy.switchMode(read.text("mode") ?? "", node);
      return () => proxy.switchMode(before, node);
    },
  });
  points.define({
    name: "min-sync-period",
    summary: "syncs are further apart",
    inject(parameters) {
      const before = proxy.useMinSyncPeriod(new FaultParameters(parameters, ["periodMs"]).number("periodMs"));
      return () => void proxy.useMinSyncPeriod(before);
    },
  });
}

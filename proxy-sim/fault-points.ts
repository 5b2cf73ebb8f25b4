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
}

import { FaultParameters } from "../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../machinery/runtime/fault-points.js";
import type { ControllerManager } from "./controller-manager.js";
import { allControllers } from "./controllers.js";

/** Where the controllers can be broken. */
export function defineControllerFaults(points: FaultPoints, manager: ControllerManager): void {
  points.define({
    name: "controller",
    summary: "controllers stand still, or look at what has changed late",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["controllers", "paused", "delayMs"]);
      const controllers = read.texts("controllers");
      const unknown = [...(controllers ?? [])].find(
        (name) => !allControllers.some((one) => one.name === name),
      );
      if (unknown !== undefined) throw new RangeError(`unknown controller "${unknown}"`);
      const fault = { controllers, paused: read.flag("paused"), delayMs: read.number("delayMs") };
      return manager.faults.add(fault);
    },
  });
  points.define({
    name: "start-over",
    summary: "all controllers stop and begin anew with empty caches, as after a restart; once",
    inject() {
      manager.startOver();
      return () => {};
    },
  });
}

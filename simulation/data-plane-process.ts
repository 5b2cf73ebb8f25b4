import { OUTSIDE_DNS_IP } from "../kubelet-sim/node/node-config.js";
import { whenAborted } from "../machinery/api/when-aborted.js";
import { DataPlane } from "../proxy-sim/dataplane/data-plane.js";
import { defineDataPlaneFaults } from "../proxy-sim/dataplane/fault-points.js";
import { KUBELET_CARRIER } from "./packet-paths.js";
import { built } from "./parts.js";
import type { Launch, Running } from "./simulated-process.js";
import type { World } from "./world.js";

/** The nodes' kernels. Its tables end with it. */
export function launchDataPlane(
  world: World,
  { clock, rng, logger, faults, signal }: Launch,
): Running & { dataPlane: DataPlane } {
  const { packets } = world;
  const dataPlane = new DataPlane(
    built(world.parts.dataPlane, {
      clock,
      rng,
      logger,
      dialCarrier: packets.dialer,
      hosts: { [OUTSIDE_DNS_IP]: KUBELET_CARRIER },
    }),
  );
  defineDataPlaneFaults(faults, dataPlane);
  packets.runDataPlane(dataPlane, clock);
  return {
    dataPlane,
    done: whenAborted(signal).then(() => dataPlane.close()),
    handlers: dataPlane.adminHandlers(),
    ready: () => true,
    ended: () => {
      packets.dataPlaneEnded();
      world.processEnded(clock);
    },
  };
}

import { ControllerManager } from "../controllers/controller-manager.js";
import { defineControllerFaults } from "../controllers/fault-points.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { built } from "./parts.js";
import type { Launch, Running } from "./simulated-process.js";
import { asMember, type World } from "./world.js";

export interface ControllersOptions {
  /** Its place in the tree of chance and among identities. */
  name: string;
  leaderElect: boolean;
  podCidr?: string | undefined;
}

export function launchControllers(
  world: World,
  { clock, rng, logger, faults, signal }: Launch,
  { name, leaderElect, podCidr }: ControllersOptions,
): Running & { controllers: ControllerManager } {
  const identity = asMember("system:kube-controller-manager", "system:masters");
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const controllers = new ControllerManager(
    built(world.parts.controllers, {
      transport: apiFaults.wrap(world.apiTransport(name, clock, identity), "controllers", () =>
        world.replicaTransport(name, clock, identity),
      ),
      clock,
      rng,
      logger,
      leaderElect,
      identity: `${name}_${world.rng.fork(`identity/${name}`).uuid()}`,
      caCertificate: "simulated",
      podCidr,
    }),
  );
  defineControllerFaults(faults, controllers);
  const handlers = controllers.adminHandlers();
  return {
    controllers,
    done: controllers.run(signal),
    handlers,
    ready: () => isReady(handlers["GET /health"]),
    ended: () => world.processEnded(clock),
  };
}

function isReady(health: unknown): boolean {
  return typeof health === "function" && (health() as { ready: boolean }).ready;
}

import type { ApiServerOptions } from "../apiserver/api-server.js";
import type { EngineOptions } from "../apiserver/storage/engine.js";
import type { ControllerManagerOptions } from "../controllers/controller-manager.js";
import type { RuntimeOptions } from "../kubelet-sim/runtime/runtime.js";
import type { DataPlaneOptions } from "../proxy-sim/dataplane/data-plane.js";
import type { ProxyOptions } from "../proxy-sim/proxy.js";
import type { SimulatedDiskOptions } from "./simulated-disk.js";

/**
 * What the processes of a simulated cluster are built with, each as a function of what it would be built with: how a test puts
 * a part of its own, or a wrong one, in the place of ours.
 */
export interface Parts {
  disk?: (options: SimulatedDiskOptions) => SimulatedDiskOptions;
  storage?: (options: EngineOptions) => EngineOptions;
  apiServer?: (options: ApiServerOptions) => ApiServerOptions;
  controllers?: (options: ControllerManagerOptions) => ControllerManagerOptions;
  runtime?: (options: RuntimeOptions) => RuntimeOptions;
  proxy?: (options: ProxyOptions) => ProxyOptions;
  dataPlane?: (options: DataPlaneOptions) => DataPlaneOptions;
}

/** The options as the part's owner wants them. */
export const built = <T>(part: ((options: T) => T) | undefined, options: T): T =>
  part ? part(options) : options;

import type { Controller } from "./controller.js";
import { replicaSetController } from "./replicaset/replicaset.js";

/** Every controller of the process, in the order in which they start. */
export const allControllers: readonly Controller[] = [replicaSetController];

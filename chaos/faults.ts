import type { Fault } from "./fault.js";
import { killPod } from "./faults/kill-pod.js";

/** Every fault a scenario can name. */
export const faults: readonly Fault[] = [killPod];

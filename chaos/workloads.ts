import type { TrafficSpec } from "./scenario/types.js";
import type { Workload } from "./workload.js";
import { hostLoad } from "./workloads/host-load.js";
import { podLoad } from "./workloads/pod-load.js";

/** Every kind of traffic a scenario can name, by `from`. */
export const workloads: Readonly<Record<TrafficSpec["from"], Workload>> = { pod: podLoad, host: hostLoad };

import type { Clock } from "../../machinery/api/clock.js";
import type { Pod } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { Network } from "../../machinery/network/network.js";
import type { ContainerRuntime } from "../container-runtime.js";
import type { ReadinessLog } from "./readiness-log.js";
import type { HostPaths } from "../volumes/pod-volumes.js";
import type { ServiceAccountTokens } from "../volumes/service-account-tokens.js";
import type { HostPorts } from "../node/host-ports.js";
import type { BackOff } from "./back-off.js";
import type { ConfigSource } from "./env.js";
import type { ImagePuller } from "./image-puller.js";
import type { PodFaults } from "./pod-faults.js";
import type { DnsSettings } from "./resolv-conf.js";
import type { StatusManager } from "./status-manager.js";

/** What the pods of one node share. A node that crashed and came back has a new one. */
export interface NodeContext {
  nodeName: string;
  /** The primary one first. */
  hostIPs: readonly string[];
  clock: Clock;
  rng: Rng;
  logger: Logger;
  runtime: ContainerRuntime;
  /** The node's own: probes and hooks that name another host dial from here. */
  network: Network;
  /** The way to the pods of this node: probes and hooks take it. */
  toPods: Pick<Network, "connect">;
  config: ConfigSource;
  puller: ImagePuller;
  statuses: StatusManager;
  crashBackOff: BackOff;
  hostPorts: HostPorts;
  hostPaths: HostPaths;
  dns: DnsSettings;
  allocatable: Readonly<Record<string, string>>;
  readiness: ReadinessLog;
  tokens: ServiceAccountTokens;
  faults: PodFaults;
  /** Aborted when the node has crashed or the process stops: nothing is reported any more. */
  stopped: AbortSignal;
  /** `container` puts the container into the event's fieldPath. */
  event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container?: string): void;
}

import type { Fault } from "./fault.js";
import { apiLinkFaults } from "./faults/api-links.js";
import { apiRequestFaults } from "./faults/api-requests.js";
import { changeFaults } from "./faults/changes.js";
import { killPod } from "./faults/kill-pod.js";
import { clockFaults } from "./faults/clocks.js";
import { controllerFaults } from "./faults/controllers.js";
import { dnsFaults } from "./faults/dns.js";
import { linkFaults } from "./faults/links.js";
import { nodeFaults } from "./faults/nodes.js";
import { objectFaults } from "./faults/objects.js";
import { podAddressFaults } from "./faults/pod-addresses.js";
import { podStartFaults } from "./faults/pod-starts.js";
import { podFaults } from "./faults/pods.js";
import { stuckTerminating } from "./faults/stuck-terminating.js";
import { duplicateFaults, processFaults } from "./faults/processes.js";
import { proxyFaults } from "./faults/proxies.js";
import { resourceFaults } from "./faults/resources.js";
import { trafficFaults } from "./faults/traffic.js";
import { staleReads } from "./faults/stale-reads.js";
import { storeFaults } from "./faults/store.js";
import { watchFaults } from "./faults/watches.js";

/** Every fault a scenario can name, by layer. */
export const faults: readonly Fault[] = [
  killPod,
  ...podFaults,
  stuckTerminating,
  ...podStartFaults,
  ...podAddressFaults,
  ...nodeFaults,
  ...linkFaults,
  ...apiLinkFaults,
  ...watchFaults,
  staleReads,
  ...apiRequestFaults,
  ...storeFaults,
  ...processFaults,
  ...duplicateFaults,
  ...resourceFaults,
  ...trafficFaults,
  ...controllerFaults,
  ...proxyFaults,
  ...dnsFaults,
  ...clockFaults,
  ...changeFaults,
  ...objectFaults,
];

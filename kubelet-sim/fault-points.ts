import type { FaultPoints } from "../machinery/runtime/fault-points.js";
import type { KubeletHost } from "./kubelet-host.js";
import { definePodFaults } from "./pod-fault-points.js";

/** Where nodes and their kubelets can be broken. */
export function defineKubeletFaults(points: FaultPoints, host: KubeletHost): void {
  definePodFaults(points, host);
  points.define({
    name: "node-power",
    summary: "a node is off: kubelet and containers end at once, without a word",
    inject({ node }) {
      host.crash(String(node as string));
      return () => host.restart(String(node as string));
    },
  });
  points.define({
    name: "heartbeats",
    summary: "a kubelet runs but no longer renews its lease and status",
    inject({ node }) {
      host.setHeartbeats(String(node as string), false);
      return () => host.setHeartbeats(String(node as string), true);
    },
  });
}

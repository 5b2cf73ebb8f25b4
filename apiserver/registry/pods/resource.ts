import { type Pod, pods } from "../../../machinery/api/core-v1.js";
import type { ProxyDialer } from "../proxy.js";
import { type ServedResource, serve } from "../serve.js";
import { podBinding } from "./binding.js";
import { podColumns, podRow } from "./columns.js";
import { podEphemeralContainers } from "./ephemeral-containers.js";
import { podEviction } from "./eviction.js";
import { podAttach, podExec, podPortForward } from "./exec.js";
import { podLog } from "./log.js";
import { podProxy } from "./proxy.js";
import { podStatusStrategy, podStrategy } from "./strategy.js";

/** Pods; `dial` is how their proxy subresource reaches them. */
export const podResource = (dial: ProxyDialer | undefined): ServedResource<Pod> =>
  serve(pods, {
    strategy: podStrategy,
    columns: podColumns,
    row: podRow,
    selectableFields: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ],
    fieldsOf: (pod) => podFields(pod),
    subresources: {
      status: { kind: "view", strategy: podStatusStrategy, verbs: ["get", "patch", "update"] },
      binding: podBinding,
      eviction: podEviction,
      ephemeralcontainers: podEphemeralContainers,
      log: podLog,
      exec: podExec,
      attach: podAttach,
      portforward: podPortForward,
      proxy: podProxy(dial),
    },
  });

const podFields = (pod: Pod): Record<string, string> => ({
  "spec.nodeName": pod.spec.nodeName ?? "",
  "spec.restartPolicy": pod.spec.restartPolicy,
  "spec.schedulerName": pod.spec.schedulerName ?? "",
  "spec.serviceAccountName": pod.spec.serviceAccountName ?? "",
  "spec.hostNetwork": String(pod.spec.hostNetwork ?? false),
  "status.phase": pod.status.phase,
  "status.podIP": pod.status.podIPs?.[0]?.ip ?? pod.status.podIP ?? "",
  "status.nominatedNodeName": pod.status.nominatedNodeName ?? "",
});

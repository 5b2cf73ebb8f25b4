import { type Pod, pods } from "../../../machinery/api/core-v1.js";
import { serve } from "../serve.js";
import { podBinding } from "./binding.js";
import { podColumns, podRow } from "./columns.js";
import { podEphemeralContainers } from "./ephemeral-containers.js";
import { podEviction } from "./eviction.js";
import { podAttach, podExec, podPortForward } from "./exec.js";
import { podLog } from "./log.js";
import { podStatusStrategy, podStrategy } from "./strategy.js";

export const podResource = serve(pods, {
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

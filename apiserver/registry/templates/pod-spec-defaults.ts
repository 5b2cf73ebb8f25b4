import type { Container, PodSpec, PodTemplateSpec } from "../../../machinery/api/core-v1.js";
import { canonicalQuantity } from "../../../machinery/api/quantity.js";
import { defaultContainer } from "./container-defaults.js";
import { defaultVolume } from "./volume-defaults.js";

/** Everything that a container list of a pod holds: init, regular, ephemeral. */
const allContainers = (spec: PodSpec): Container[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? []),
  ...(spec.ephemeralContainers ?? []),
];

/** Upstream: SetDefaults_PodSpec, of Pods and of templates alike. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.containers ??= [];
  spec.restartPolicy ||= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ||= "ClusterFirst";
  spec.securityContext ??= {};
  spec.schedulerName ||= "default-scheduler";
  syncServiceAccount(spec);
  if (spec.hostNetwork) allContainers(spec).forEach(useHostPorts);
  allContainers(spec).forEach(defaultContainer);
  spec.volumes?.forEach(defaultVolume);
  for (const [name, quantity] of Object.entries(spec.overhead ?? {}))
    if (spec.overhead) spec.overhead[name] = canonicalQuantity(quantity);
}

/** `serviceAccount` is the old name of `serviceAccountName`; the server shows both. */
function syncServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function useHostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {};
  template.spec ??= { containers: [], restartPolicy: "Always" };
  defaultPodSpec(template.spec);
}

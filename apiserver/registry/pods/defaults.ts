import type { Pod } from "../../../machinery/api/core-v1.js";
import { requestWhatIsLimited } from "../templates/container-defaults.js";
import { defaultPodSpec } from "../templates/pod-spec-defaults.js";

export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [], restartPolicy: "Always" };
  pod.status ??= { phase: "Pending" };
  defaultPodSpec(pod.spec);
  pod.spec.enableServiceLinks ??= true;
  pod.spec.containers.forEach(requestWhatIsLimited);
  pod.spec.initContainers?.forEach(requestWhatIsLimited);
}

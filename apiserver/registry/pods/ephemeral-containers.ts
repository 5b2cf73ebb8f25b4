import type { Pod } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden } from "../../../machinery/api/field-error.js";
import { semanticEqual } from "../semantic-equal.js";
import type { Strategy, Subresource } from "../serve.js";
import { validateEphemeralContainers } from "../validation/ephemeral-containers.js";

const at = field("spec", "ephemeralContainers");

const strategy: Strategy<Pod> = {
  prepareForUpdate(pod, old) {
    const { ephemeralContainers } = pod.spec;
    pod.spec = { ...old.spec, ...(ephemeralContainers ? { ephemeralContainers } : {}) };
    pod.status = old.status;
    pod.metadata = { ...old.metadata, resourceVersion: pod.metadata.resourceVersion };
  },
  validateUpdate: (pod, old) => [...validateEphemeralContainers(pod.spec, at), ...validateKept(pod, old)],
};

/** Upstream: ValidatePodEphemeralContainersUpdate. They may be added, never changed or taken away. */
function validateKept(pod: Pod, old: Pod): FieldError[] {
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.spec.ephemeralContainers ?? []).flatMap((container) => {
    const kept = now.get(container.name);
    if (!kept)
      return [forbidden(at, `existing ephemeral containers "${container.name}" may not be removed\n`)];
    return semanticEqual(kept, container)
      ? []
      : [forbidden(at, `existing ephemeral containers "${container.name}" may not be changed\n`)];
  });
}

/** What `kubectl debug` writes through. */
export const podEphemeralContainers: Subresource<Pod> = {
  kind: "view",
  strategy,
  verbs: ["get", "patch", "update"],
};

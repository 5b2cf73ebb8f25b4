import type { Scale } from "../../machinery/api/apps-v1.js";
import { field } from "../../machinery/api/field-error.js";
import { formatSelector, toSelector } from "../../machinery/api/labels.js";
import type { KubeObject, LabelSelector } from "../../machinery/api/meta-v1.js";
import { resource } from "../../machinery/api/resource.js";
import type { Subresource } from "./serve.js";
import { nonnegative } from "./validation/fields.js";

export const scales = resource<Scale>("autoscaling/v1", "Scale", { plural: "scales" });

interface Scalable extends KubeObject {
  spec: { replicas: number; selector: LabelSelector };
  status: { replicas?: number };
}

/** The `scale` subresource of a kind with `spec.replicas`. */
export const scaleOf = <T extends Scalable>(): Subresource<T> => ({
  kind: "projection",
  descriptor: scales,
  verbs: ["get", "patch", "update"],
  get: toScale,
  put(object, projection) {
    const { replicas = 0 } = (projection as Scale).spec ?? {};
    object.spec.replicas = replicas;
    return nonnegative(replicas, field("spec", "replicas"));
  },
});

function toScale({ metadata, spec, status }: Scalable): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    apiVersion: scales.apiVersion,
    kind: scales.kind,
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas },
    status: { replicas: status.replicas ?? 0, selector: formatSelector(toSelector(spec.selector)) },
  };
}

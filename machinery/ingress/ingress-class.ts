import { type Ingress, INGRESS_CLASS_ANNOTATION, type IngressClass } from "../api/networking-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";

export interface ClassOptions {
  /** `--controller-class`: what `spec.controller` of one's own classes is. */
  controller: string;
  /** `--ingress-class`: the value of the old annotation. */
  annotation: string;
  /** `--watch-ingress-without-class` */
  withoutClass: boolean;
  /** `--ingress-class-by-name`: a class of that name is one's own, whatever its controller. */
  byName: boolean;
}

export const isOwnClass = (
  { metadata, spec }: DeepReadonly<IngressClass>,
  { controller, annotation, byName }: ClassOptions,
): boolean => spec.controller === controller || (byName && metadata.name === annotation);

/** Why this controller leaves an Ingress alone, in ingress-nginx's words; undefined when it serves it. */
export function whyIgnored(
  { metadata, spec }: DeepReadonly<Ingress>,
  classNamed: (name: string) => DeepReadonly<IngressClass> | undefined,
  options: ClassOptions,
): string | undefined {
  const annotated = metadata.annotations?.[INGRESS_CLASS_ANNOTATION];
  // The old annotation comes first: clients that set it knew no field.
  if (annotated !== undefined && annotated !== "") {
    return annotated === options.annotation
      ? undefined
      : "ingress class annotation is not equal to the expected by Ingress Controller";
  }
  if (spec.ingressClassName !== undefined) {
    const found = classNamed(spec.ingressClassName);
    return found && isOwnClass(found, options)
      ? undefined
      : `no object matching key "${spec.ingressClassName}" in local store`;
  }
  return options.withoutClass ? undefined : "ingress does not contain a valid IngressClass";
}

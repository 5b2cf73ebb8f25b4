import {
  DEFAULT_INGRESS_CLASS_ANNOTATION,
  INGRESS_CLASS_ANNOTATION,
  type Ingress,
  type IngressClass,
  ingressClasses,
  ingresses,
} from "../../machinery/api/networking-v1.js";
import type { AdmissionPlugin } from "./chain.js";

/** A new Ingress that names no class gets the default one; of several the newest. */
export const defaultIngressClass: AdmissionPlugin = {
  name: "DefaultIngressClass",
  admit({ operation, resource, subresource, object, lookup }) {
    if (resource.plural !== ingresses.plural || resource.group !== ingresses.group) return;
    if (operation !== "CREATE" || subresource !== "" || !object) return;
    const ingress = object as Ingress;
    if (ingress.spec.ingressClassName !== undefined) return;
    if (ingress.metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined) return;
    const [chosen] = lookup.list(ingressClasses).filter(isDefault).toSorted(newestFirst);
    if (chosen) ingress.spec.ingressClassName = chosen.metadata.name;
  },
};

const isDefault = ({ metadata }: IngressClass): boolean =>
  metadata.annotations?.[DEFAULT_INGRESS_CLASS_ANNOTATION] === "true";

function newestFirst({ metadata: a }: IngressClass, { metadata: b }: IngressClass): number {
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

import { type IngressClass, ingressClasses } from "../../../machinery/api/networking-v1.js";
import { ageColumn, ageOf, NONE, nameColumn, textColumn } from "../printing.js";
import { type Strategy, serve } from "../serve.js";
import { validateIngressClass, validateIngressClassUpdate } from "./validate.js";

const strategy: Strategy<IngressClass> = {
  defaults(ingressClass) {
    ingressClass.spec ??= {};
    if (ingressClass.spec.parameters) ingressClass.spec.parameters.scope ??= "Cluster";
  },
  validate: validateIngressClass,
  validateUpdate: validateIngressClassUpdate,
  allowCreateOnUpdate: true,
};

export const ingressClassResource = serve(ingressClasses, {
  strategy,
  columns: [
    nameColumn,
    textColumn("Controller", "Controller that is responsible for handling this class"),
    textColumn("Parameters", "A reference to a resource with additional parameters"),
    ageColumn,
  ],
  row: (ingressClass, nowMs) => [
    ingressClass.metadata.name,
    ingressClass.spec.controller ?? "",
    formatParameters(ingressClass),
    ageOf(ingressClass, nowMs),
  ],
});

/** Upstream: printIngressClass. */
function formatParameters({ spec: { parameters } }: IngressClass): string {
  if (!parameters) return NONE;
  const { apiGroup, kind, name } = parameters;
  return `${kind}${apiGroup === undefined ? "" : `.${apiGroup}`}/${name}`;
}

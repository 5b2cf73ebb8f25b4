import { INGRESS_CLASS_ANNOTATION, type Ingress, ingresses } from "../../../machinery/api/networking-v1.js";
import { type Strategy, serve } from "../serve.js";
import { ingressColumns, ingressRow } from "./columns.js";
import { validateIngress, validateIngressSpec, validateIngressStatus } from "./validate.js";

const strategy: Strategy<Ingress> = {
  defaults(ingress) {
    ingress.spec ??= {};
    ingress.status ??= { loadBalancer: {} };
    ingress.status.loadBalancer ??= {};
  },
  prepareForCreate(ingress) {
    ingress.status = { loadBalancer: {} };
  },
  prepareForUpdate(ingress, old) {
    ingress.status = old.status;
  },
  validate: validateIngress,
  validateUpdate: validateIngressSpec,
  warningsOnCreate: (ingress) =>
    ingress.metadata.annotations?.[INGRESS_CLASS_ANNOTATION] === undefined
      ? []
      : [
          `annotation "${INGRESS_CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`,
        ],
  allowCreateOnUpdate: true,
};

const statusStrategy: Strategy<Ingress> = {
  prepareForUpdate(ingress, old) {
    ingress.spec = old.spec;
  },
  validateUpdate: validateIngressStatus,
  generationChanged: () => false,
};

export const ingressResource = serve(ingresses, {
  strategy,
  columns: ingressColumns,
  row: ingressRow,
  subresources: {
    status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
  },
});

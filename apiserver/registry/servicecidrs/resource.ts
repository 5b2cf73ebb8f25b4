import { type ServiceCIDR, serviceCIDRs } from "../../../machinery/api/networking-v1.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import { type Strategy, serve } from "../serve.js";
import { validateServiceCidr, validateServiceCidrUpdate } from "./validate.js";

const strategy: Strategy<ServiceCIDR> = {
  defaults(cidr) {
    cidr.spec ??= { cidrs: [] };
    cidr.status ??= {};
  },
  prepareForCreate(cidr) {
    delete cidr.metadata.generation;
    cidr.status = {};
  },
  prepareForUpdate(cidr, old) {
    cidr.status = old.status;
  },
  validate: validateServiceCidr,
  validateUpdate: validateServiceCidrUpdate,
};

export const serviceCidrStatusStrategy: Strategy<ServiceCIDR> = {
  prepareForUpdate(cidr, old) {
    cidr.spec = old.spec;
  },
};

export const serviceCidrResource = serve(serviceCIDRs, {
  strategy,
  columns: [
    nameColumn,
    textColumn(
      "CIDRs",
      'CIDRs defines the IP blocks in CIDR notation (e.g. "192.168.0.0/24" or "2001:db8::/64") from which to assign service cluster IPs. Max of two CIDRs is allowed, one of each IP family. This field is immutable.',
    ),
    ageColumn,
  ],
  row: (cidr, nowMs) => [cidr.metadata.name, cidr.spec.cidrs.join(","), ageOf(cidr, nowMs)],
  subresources: {
    status: { kind: "view", strategy: serviceCidrStatusStrategy, verbs: ["get", "patch", "update"] },
  },
});

import { type Lease, leases } from "../../../machinery/api/coordination-v1.js";
import { type FieldError, field, invalid } from "../../../machinery/api/field-error.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import { serve } from "../serve.js";

function validateLease({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec;
  if (seconds !== undefined && seconds <= 0)
    errors.push(invalid(field("spec", "leaseDurationSeconds"), seconds, "must be greater than 0"));
  if (transitions !== undefined && transitions < 0)
    errors.push(
      invalid(field("spec", "leaseTransitions"), transitions, "must be greater than or equal to 0"),
    );
  return errors;
}

export const leaseResource = serve<Lease>(leases, {
  strategy: {
    defaults(lease) {
      lease.spec ??= {};
    },
    prepareForCreate(lease) {
      delete lease.metadata.generation;
    },
    validate: validateLease,
    validateUpdate: (lease) => validateLease(lease),
    allowCreateOnUpdate: true,
    allowUnconditionalUpdate: false,
  },
  columns: [
    nameColumn,
    textColumn(
      "Holder",
      "holderIdentity contains the identity of the holder of a current lease. If Coordinated Leader Election is used, the holder identity must be equal to the elected LeaseCandidate.metadata.name field.",
    ),
    ageColumn,
  ],
  row: (lease, nowMs) => [lease.metadata.name, lease.spec.holderIdentity ?? "", ageOf(lease, nowMs)],
});

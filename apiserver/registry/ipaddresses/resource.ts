import { type FieldError, field, required } from "../../../machinery/api/field-error.js";
import { isDns1123Subdomain, isPathSegmentName } from "../../../machinery/api/names.js";
import { type IPAddress, ipAddresses } from "../../../machinery/api/networking-v1.js";
import { newAlreadyExists } from "../../../machinery/api/status.js";
import { groupResource } from "../../../machinery/api/resource.js";
import type { IpAllocator } from "../allocators/ip-allocator.js";
import { NONE, nameColumn, textColumn } from "../printing.js";
import { type ServedResource, serve, type Strategy } from "../serve.js";
import { immutable } from "../validation/fields.js";
import { isCanonicalIp } from "../validation/ip.js";
import { check } from "../validation/labels.js";

/** Upstream: ValidateIPAddress. */
function validateIpAddress({ spec }: IPAddress): FieldError[] {
  const at = field("spec", "parentRef");
  // A client may leave it out, whatever the type of a stored object says.
  const parent = spec.parentRef as Partial<IPAddress["spec"]["parentRef"]> | undefined;
  if (!parent) return [required(at)];
  const { group, resource, name, namespace } = parent;
  const errors: FieldError[] = [];
  if (group) errors.push(...check(isDns1123Subdomain, group, at.child("group")));
  if (!resource) errors.push(required(at.child("resource")));
  else errors.push(...check(isPathSegmentName, resource, at.child("resource")));
  if (!name) errors.push(required(at.child("name")));
  else errors.push(...check(isPathSegmentName, name, at.child("name")));
  if (namespace) errors.push(...check(isPathSegmentName, namespace, at.child("namespace")));
  return errors;
}

const strategy = (allocator: IpAllocator): Strategy<IPAddress> => ({
  defaults(address) {
    address.spec ??= {} as IPAddress["spec"];
  },
  prepareForCreate(address) {
    delete address.metadata.generation;
  },
  // A Service that is being stored has the address already, though nobody can see it yet; and the other way round.
  reserve({ metadata: { name } }, old) {
    if (old) return undefined;
    if (!allocator.claim(name)) throw newAlreadyExists(groupResource(ipAddresses), name);
    const settled = (): void => allocator.settled(name);
    return { commit: settled, rollback: settled };
  },
  validateName: isCanonicalIp,
  validate: validateIpAddress,
  validateUpdate: (address, old) =>
    immutable(address.spec.parentRef, old.spec.parentRef, field("spec", "parentRef")),
});

export const ipAddressResource = (allocator: IpAllocator): ServedResource<IPAddress> =>
  serve(ipAddresses, {
    strategy: strategy(allocator),
    columns: [
      nameColumn,
      textColumn(
        "ParentRef",
        "ParentRef references the resource that an IPAddress is attached to. An IPAddress must reference a parent object.",
      ),
    ],
    row: (address) => [address.metadata.name, formatParent(address)],
  });

/** Upstream: printIPAddress. */
function formatParent({ spec: { parentRef } }: IPAddress): string {
  const { group, resource, namespace, name } = parentRef;
  if (!resource) return NONE;
  return [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name]
    .join("/")
    .toLowerCase();
}

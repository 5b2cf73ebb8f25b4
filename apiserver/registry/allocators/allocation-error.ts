/** Why an address or a port could not be had; messages of pkg/registry/core/service/ipallocator and portallocator. */
export class AllocationError extends Error {
  override readonly name = "AllocationError";
}

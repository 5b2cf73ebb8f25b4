import type { KubeObject } from "./meta-v1.js";
import { resource } from "./resource.js";

export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}
export const leases = resource<Lease>("coordination.k8s.io/v1", "Lease", { plural: "leases" });

import { toTime } from "../machinery/api/clock.js";
import { type ServiceCIDR, serviceCIDRs } from "../machinery/api/networking-v1.js";
import { isAlreadyExists } from "../machinery/api/status.js";
import { APISERVER_USER } from "./auth/user-info.js";
import { DEFAULT_SERVICE_CIDR } from "./registry/allocators/ip-allocator.js";
import { serviceCidrStatusStrategy } from "./registry/servicecidrs/resource.js";
import type { GenericStore } from "./registry/generic-store.js";

const AT = { name: DEFAULT_SERVICE_CIDR };
const OPTIONS = { user: APISERVER_USER, dryRun: false };

/**
 * Writes the ServiceCIDR of the ranges that the server was started with. One that exists keeps its ranges, but a second family
 * may join. Upstream: controlplane/controller/defaultservicecidr.
 */
export async function publishDefaultServiceCidr(
  store: GenericStore<ServiceCIDR>,
  cidrs: readonly string[],
): Promise<void> {
  try {
    await store.create(newServiceCidr(cidrs), OPTIONS);
  } catch (err) {
    if (!isAlreadyExists(err)) throw err;
  }
  const { spec } = store.get(AT);
  if (spec.cidrs.length === 1 && cidrs.length === 2 && spec.cidrs[0] === cidrs[0])
    await store.mutate(
      AT,
      (stored) => {
        stored.spec.cidrs = [...cidrs];
      },
      OPTIONS,
    );
  await publishReadiness(store);
}

/** So that nothing waits for the controller, which says it again in its own words. */
async function publishReadiness(store: GenericStore<ServiceCIDR>): Promise<void> {
  const { metadata, status } = store.get(AT);
  if (metadata.deletionTimestamp || status.conditions?.some(({ type }) => type === "Ready")) return;
  const condition = {
    type: "Ready",
    status: "True" as const,
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
    lastTransitionTime: toTime(store.core.dependencies.clock.nowMs()),
  };
  await store.mutate(
    AT,
    (stored) => {
      stored.status.conditions = [...(stored.status.conditions ?? []), condition];
    },
    { ...OPTIONS, subresource: "status", strategy: serviceCidrStatusStrategy },
  );
}

const newServiceCidr = (cidrs: readonly string[]): ServiceCIDR => ({
  apiVersion: serviceCIDRs.apiVersion,
  kind: serviceCIDRs.kind,
  metadata: { ...AT, uid: "", resourceVersion: "", creationTimestamp: "" },
  spec: { cidrs: [...cidrs] },
  status: {},
});

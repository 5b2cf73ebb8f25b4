import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.js";
import { newAdmissionForbidden } from "./forbidden.js";

/** The classes that every cluster has. */
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

/** Resolves priorityClassName to a number; pods without one have priority 0. */
export const priority: AdmissionPlugin = {
  name: "Priority",
  admit(request) {
    const { operation, resource, subresource, object, oldObject } = request;
    if (resource.plural !== pods.plural || resource.group !== "" || subresource !== "" || !object) return;
    if (operation === "CREATE") setPriority(object as Pod, request);
    else if (operation === "UPDATE" && oldObject) keepPriority(object as Pod, oldObject as Pod);
  },
};

function setPriority({ spec }: Pod, request: AdmissionRequest): void {
  const name = spec.priorityClassName ?? "";
  const value = name === "" ? 0 : SYSTEM_CLASSES.get(name);
  if (value === undefined)
    throw newAdmissionForbidden(request, `no PriorityClass with name ${name} was found`);
  if (spec.priority !== undefined && spec.priority !== value)
    throw newAdmissionForbidden(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  spec.priority = value;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
}

function keepPriority({ spec }: Pod, { spec: old }: Pod): void {
  if (old.priority !== undefined) spec.priority ??= old.priority;
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy;
}

import { deployments, replicaSets } from "../machinery/api/apps-v1.js";
import { leases } from "../machinery/api/coordination-v1.js";
import {
  configMaps,
  endpoints,
  events,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
  services,
} from "../machinery/api/core-v1.js";
import { endpointSlices } from "../machinery/api/discovery-v1.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { ingressClasses, ingresses } from "../machinery/api/networking-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import { UserError } from "./supervisor/cluster.js";

/** Kinds whose names and paths are known without asking a server. */
export const builtInResources: readonly ResourceDescriptor[] = [
  namespaces,
  nodes,
  pods,
  services,
  endpoints,
  configMaps,
  secrets,
  serviceAccounts,
  events,
  replicaSets,
  deployments,
  endpointSlices,
  leases,
  ingresses,
  ingressClasses,
];

/** The built-in resource of an object's kind, without asking the server. */
export const resourceFor = (
  object: Pick<KubeObject, "apiVersion" | "kind">,
): ResourceDescriptor | undefined =>
  builtInResources.find((known) => known.apiVersion === object.apiVersion && known.kind === object.kind);

/** The same, for manifests that must be known. Throws UserError in kubectl's words. */
export function builtInResource(object: KubeObject): ResourceDescriptor {
  const found = resourceFor(object);
  if (found) return found;
  throw new UserError(
    `resource mapping not found for name: "${object.metadata?.name ?? ""}" namespace: "${object.metadata?.namespace ?? ""}": no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
  );
}

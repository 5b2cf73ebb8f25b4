import { namespaces } from "../../machinery/api/core-v1.js";
import { groupResource } from "../../machinery/api/resource.js";
import { newForbidden, newNotFound, StatusError } from "../../machinery/api/status.js";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.js";
import { newAdmissionForbidden } from "./forbidden.js";

const IMMORTAL = ["default", "kube-system", "kube-public"];

/** Objects are created only in namespaces that exist and stay; the system's namespaces are not deleted. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  admit(request) {
    const ofNamespaces = request.resource.plural === "namespaces" && request.resource.group === "";
    if (request.operation === "DELETE") {
      if (ofNamespaces && request.subresource === "" && IMMORTAL.includes(request.name))
        throw newForbidden(groupResource(namespaces), request.name, "this namespace may not be deleted");
      return;
    }
    if (ofNamespaces || !request.namespace || request.resource.group === "authorization.k8s.io") return;
    checkNamespace(request);
  },
};

function checkNamespace(request: AdmissionRequest): void {
  const namespace = request.lookup.get(namespaces, undefined, request.namespace);
  if (!namespace) throw newNotFound(groupResource(namespaces), request.namespace);
  if (request.operation === "CREATE" && namespace.metadata.deletionTimestamp) throw newTerminating(request);
}

function newTerminating(request: AdmissionRequest): StatusError {
  const { namespace } = request;
  const cause = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = newAdmissionForbidden(request, cause);
  return new StatusError({
    code: status.code,
    reason: "Forbidden",
    message: status.message ?? cause,
    details: {
      ...status.details,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    },
  });
}

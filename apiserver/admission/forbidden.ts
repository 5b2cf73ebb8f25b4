import { groupResource } from "../../machinery/api/resource.js";
import { newForbidden, type StatusError } from "../../machinery/api/status.js";
import type { AdmissionRequest } from "./chain.js";

/** A refusal that names the object as the request does, by generateName while it has no name. */
export function newAdmissionForbidden(request: AdmissionRequest, cause: string): StatusError {
  const name = request.name || request.object?.metadata.name || request.object?.metadata.generateName;
  return newForbidden(groupResource(request.resource), name || "Unknown", cause);
}

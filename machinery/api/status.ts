import type { KubeObject, ListMeta } from "./meta-v1.js";
import { type GroupResource, qualified } from "./resource.js";

/** Reasons of metav1.Status (apimachinery pkg/apis/meta/v1/types.go). */
export type StatusReason =
  | ""
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "ServerTimeout"
  | "StoreReadError"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable"
  | "Unknown";

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Partial<ListMeta>;
  status: "Success" | "Failure";
  message?: string;
  reason?: StatusReason;
  details?: StatusDetails;
  code: number;
}

/** The one error that crosses the wire. Made by the `newX` functions, recognised by the `isX` ones. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;
  constructor(failure: { code: number; reason: StatusReason; message: string; details?: StatusDetails }) {
    super(failure.message);
    this.status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", ...failure };
  }
}

/** A Status received from a server, as the error it was. */
export const toStatusError = (status: Status): StatusError =>
  new StatusError({
    code: status.code,
    reason: status.reason ?? "Unknown",
    message: status.message ?? "unknown",
    ...(status.details ? { details: status.details } : {}),
  });

export const reasonOf = (err: unknown): StatusReason | undefined =>
  err instanceof StatusError ? err.status.reason : undefined;

const detailsOf = (resource: GroupResource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(resource.group ? { group: resource.group } : {}),
  kind: resource.resource,
});

// Messages: apimachinery pkg/api/errors/errors.go.
export const newNotFound = (resource: GroupResource, name: string): StatusError =>
  new StatusError({
    code: 404,
    reason: "NotFound",
    message: `${qualified(resource)} "${name}" not found`,
    details: detailsOf(resource, name),
  });

export const newAlreadyExists = (resource: GroupResource, name: string): StatusError =>
  new StatusError({
    code: 409,
    reason: "AlreadyExists",
    message: `${qualified(resource)} "${name}" already exists`,
    details: detailsOf(resource, name),
  });

export const newConflict = (resource: GroupResource, name: string, cause: string): StatusError =>
  new StatusError({
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${cause}`,
    details: detailsOf(resource, name),
  });

/** The cause when a resourceVersion is not the current one (registry/generic OptimisticLockErrorMsg). */
export const OPTIMISTIC_LOCK_CAUSE =
  "the object has been modified; please apply your changes to the latest version and try again";

export const newForbidden = (resource: GroupResource, name: string, cause: string): StatusError =>
  new StatusError({
    code: 403,
    reason: "Forbidden",
    message:
      resource.resource === ""
        ? `forbidden: ${cause}`
        : name === ""
          ? `${qualified(resource)} is forbidden: ${cause}`
          : `${qualified(resource)} "${name}" is forbidden: ${cause}`,
    details: detailsOf(resource, name),
  });

export const newUnauthorized = (message = "Unauthorized"): StatusError =>
  new StatusError({ code: 401, reason: "Unauthorized", message });

export const newBadRequest = (message: string): StatusError =>
  new StatusError({ code: 400, reason: "BadRequest", message });

export const newMethodNotSupported = (resource: GroupResource, action: string): StatusError =>
  new StatusError({
    code: 405,
    reason: "MethodNotAllowed",
    message: `${action} is not supported on resources of kind "${qualified(resource)}"`,
    details: detailsOf(resource, ""),
  });

export const newGone = (message: string): StatusError =>
  new StatusError({ code: 410, reason: "Gone", message });

/** 410 with reason Expired: a resourceVersion or continue token that history no longer covers. */
export const newExpired = (message: string): StatusError =>
  new StatusError({ code: 410, reason: "Expired", message });

export const newTooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  new StatusError({ code: 429, reason: "TooManyRequests", message, details: { retryAfterSeconds } });

export const newServiceUnavailable = (message: string): StatusError =>
  new StatusError({ code: 503, reason: "ServiceUnavailable", message });

export const newTimeout = (message: string, retryAfterSeconds = 0): StatusError =>
  new StatusError({
    code: 504,
    reason: "Timeout",
    message: `Timeout: ${message}`,
    details: retryAfterSeconds ? { retryAfterSeconds } : {},
  });

export const newInternalError = (message: string): StatusError =>
  new StatusError({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });

export const newRequestEntityTooLarge = (message: string): StatusError =>
  new StatusError({
    code: 413,
    reason: "RequestEntityTooLarge",
    message: `Request entity is too large: ${message}`,
  });

export const newUnsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError({
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  });

export const newNotAcceptable = (accepted: readonly string[]): StatusError =>
  new StatusError({
    code: 406,
    reason: "NotAcceptable",
    message: `only the following media types are accepted: ${accepted.join(", ")}`,
  });

const isReason =
  (reason: StatusReason) =>
  (err: unknown): err is StatusError =>
    reasonOf(err) === reason;
export const isNotFound = isReason("NotFound");
export const isAlreadyExists = isReason("AlreadyExists");
export const isConflict = isReason("Conflict");
export const isForbidden = isReason("Forbidden");
export const isUnauthorized = isReason("Unauthorized");
export const isInvalid = isReason("Invalid");
export const isBadRequest = isReason("BadRequest");
export const isTooManyRequests = isReason("TooManyRequests");
export const isInternalError = isReason("InternalError");
export const isGone = isReason("Gone");
export const isExpired = (err: unknown): err is StatusError =>
  reasonOf(err) === "Expired" || reasonOf(err) === "Gone";

export const isStatus = (value: unknown): value is Status =>
  typeof value === "object" && value !== null && (value as KubeObject).kind === "Status";

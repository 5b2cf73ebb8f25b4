import { StatusError } from "../machinery/api/status.js";

/** What an event or a condition says of a failure: the server's own words where there are any. */
export function messageOf(err: unknown): string {
  if (err instanceof StatusError) return err.status.message ?? "unknown";
  return String(err);
}

/** Creations in a namespace that is being deleted fail for good; nobody wants to hear of it. */
export const isNamespaceTerminating = (err: unknown): boolean =>
  err instanceof StatusError &&
  (err.status.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");

import type { StatusError } from "../../machinery/api/status.js";

/** A refusal as kubectl prints it (cmdutil.StandardErrorMessage): an invalid object's message speaks for itself. */
export const errorLine = ({ status }: StatusError): string => {
  if (status.reason === "Invalid") return status.message ?? "";
  return `Error from server${status.reason ? ` (${status.reason})` : ""}: ${status.message ?? ""}`;
};

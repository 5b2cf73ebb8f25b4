import type { StatusDetails, StatusError } from "../../machinery/api/status.js";

// Upstream: staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go checkErr.
/** A refusal as kubectl prints it, without the last line's end. */
export const errorLine = ({ status }: StatusError): string => {
  if (status.reason === "Invalid") return invalidLines(status.message, status.details);
  return `Error from server${status.reason ? ` (${status.reason})` : ""}: ${status.message ?? ""}`;
};

function invalidLines(message: string | undefined, details: StatusDetails | undefined): string {
  const causes = [
    ...new Set((details?.causes ?? []).map((cause) => `${cause.field ?? ""}: ${cause.message ?? ""}`)),
  ];
  const named = details?.kind || details?.name;
  const what = named
    ? `The ${details.kind ?? ""} "${details.name ?? ""}" is invalid`
    : "The request is invalid";
  const [only] = causes;
  if (only === undefined) return !named && message ? `${what}: ${message}` : what;
  if (causes.length === 1) return `${what}: ${only}`;
  return [`${what}: `, ...causes.map((cause) => `* ${cause}`)].join("\n");
}

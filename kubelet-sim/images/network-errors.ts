import { ConnectionError } from "../../machinery/network/network.js";

/** What programs print: strerror's text for a failed connect, read or write. */
export function describeNetworkError(err: unknown): string | undefined {
  if (!(err instanceof ConnectionError)) return undefined;
  switch (err.reason) {
    case "refused":
      return "Connection refused";
    case "unreachable":
      return "No route to host";
    case "timed-out":
      return "Connection timed out";
    case "reset":
      return "Connection reset by peer";
    case "address-in-use":
      return "Address already in use";
    case "aborted":
      return "Software caused connection abort";
  }
}

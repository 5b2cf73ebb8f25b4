import { TransportError } from "../machinery/api/http.js";
import { StatusError } from "../machinery/api/status.js";

/** An API server that is away, busy or broken for the moment: it comes back, and the call may be made again. */
export const isPassing = (err: unknown): boolean =>
  err instanceof TransportError ||
  (err instanceof StatusError && (err.status.code === 429 || err.status.code >= 500));

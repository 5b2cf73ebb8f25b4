import { ConnectionError, type ConnectionErrorReason } from "./network.js";

const REASONS: Readonly<Record<string, ConnectionErrorReason>> = {
  ECONNREFUSED: "refused",
  ENOENT: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ETIMEDOUT: "timed-out",
  EADDRINUSE: "address-in-use",
  EACCES: "address-in-use",
  ABORT_ERR: "aborted",
};

/** What a system error of a socket means on the virtual network. Anything unknown broke the connection: a reset. */
export function toConnectionError(err: unknown): ConnectionError {
  if (err instanceof ConnectionError) return err;
  const code = err instanceof Error && "code" in err ? String(err.code) : "";
  const reason = REASONS[code] ?? "reset";
  return new ConnectionError(reason, err instanceof Error ? err.message : String(err));
}

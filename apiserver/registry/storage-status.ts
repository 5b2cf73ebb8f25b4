import { newInternalError, newServiceUnavailable, type StatusError } from "../../machinery/api/status.js";
import { StorageError } from "../storage/storage.js";

/** A write that the store could not make, as the client is told. */
export function toStatus(err: unknown): unknown {
  return err instanceof StorageError ? statusOf(err) : err;
}

function statusOf(err: StorageError): StatusError {
  switch (err.reason) {
    case "full":
      // What an etcd at its quota makes a real server say.
      return newInternalError("etcdserver: mvcc: database space exceeded");
    case "busy":
      return newServiceUnavailable("etcdserver: request timed out");
    case "closed":
      return newServiceUnavailable("apiserver is shutting down");
    case "corrupt":
    case "failed":
      return newInternalError(err.message);
  }
}

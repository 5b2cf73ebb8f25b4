import type { Router } from "./router.js";
import type { HostPort } from "./table.js";

/** Host sockets that stand for the nodes' external addresses. */
export interface HostListeners {
  /** Makes the sockets follow the tables: one for each node port that would not be refused. */
  sync(router: Router): Promise<void>;
  ports(): readonly HostPort[];
  close(): Promise<void>;
}

import type { Transport } from "../../machinery/api/http.js";
import { ApiClient } from "./api-client.js";
import { deletionSuite } from "./api-deletion-suite.js";
import { listSuite } from "./api-list-suite.js";
import { patchSuite } from "./api-patch-suite.js";
import { protocolSuite } from "./api-protocol-suite.js";
import { watchSuite } from "./api-watch-suite.js";
import { writeSuite } from "./api-write-suite.js";

/** A fresh server with the namespace `default` and a client that may do everything. */
export type ConnectApi = () => Promise<{ transport: Transport; close(): Promise<void> }>;

/** Runs a test's body against a server of its own. */
export type WithApi = (body: (api: ApiClient) => Promise<void>) => () => Promise<void>;

/** What every way to reach the API server does: in process and over sockets. */
export function apiSuite(name: string, connect: ConnectApi): void {
  const withApi: WithApi = (body) => async () => {
    const connection = await connect();
    try {
      await body(new ApiClient(connection.transport));
    } finally {
      await connection.close();
    }
  };
  protocolSuite(name, withApi);
  writeSuite(name, withApi);
  patchSuite(name, withApi);
  deletionSuite(name, withApi);
  listSuite(name, withApi);
  watchSuite(name, withApi);
}

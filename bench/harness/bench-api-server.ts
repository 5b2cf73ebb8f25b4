import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { configMaps, serviceAccounts } from "../../machinery/api/core-v1.js";
import { httpTransport } from "../../machinery/client/http-transport.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { AdminError, adminCall } from "../../machinery/runtime/admin-server.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import { ensurePki, loadPki } from "../../machinery/runtime/pki.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { Target } from "../jobs/raw-client.js";
import type { ServerOptions } from "../jobs/jobs.js";
import type { BenchContext } from "./benchmark.js";
import { startProduct } from "./product.js";
import { until } from "./wait.js";
import { workDir } from "./work-dir.js";

/** An API server alone: nothing else writes to it. */
export interface BenchApiServer {
  dir: string;
  client: RestClient;
  /** For load generators, with the administrator's certificate. */
  target: Target;
  /** For floors: what the API server serves with. */
  tls: NonNullable<ServerOptions["tls"]>;
  adminSocket: string;
}

export async function startApiServer({ scope, signal }: BenchContext): Promise<BenchApiServer> {
  const dir = workDir(scope);
  const adminSocket = join(dir, "apiserver.sock");
  const kubeconfig = join(dir, "kubeconfig");
  mkdirSync(join(dir, "credentials"));
  await ensurePki({
    dir: join(dir, "pki"),
    credentialsDir: join(dir, "credentials"),
    kubeconfig,
    clusterName: "bench",
    server: "https://127.0.0.1:0",
    nodeNames: [],
  });
  const server = startProduct(
    scope,
    [
      "apiserver",
      "--data-dir",
      dir,
      "--secure-port",
      "0",
      "--admin-socket",
      adminSocket,
      "--log-level",
      "warn",
    ],
    join(dir, "apiserver.log"),
  );
  const port = await Promise.race([until(() => readyPort(adminSocket), 10, signal), server.failure]);
  const { ca, cert, key } = loadKubeconfig(kubeconfig);
  const tls = { ca: String(ca), cert: String(cert), key: String(key) };
  const transport = httpTransport({ server: `https://127.0.0.1:${port}`, ca, cert, key });
  scope.defer(() => transport.close());
  const client = new RestClient({ transport, clock: systemClock(), userAgent: "kubesim-bench" });
  await client.create(serviceAccounts, { metadata: { namespace: "default", name: "default" } });
  await client.create(configMaps, { metadata: { namespace: "default", name: "bench" } });
  const { server: serving } = loadPki(join(dir, "pki"));
  return { dir, client, target: { host: "127.0.0.1", port, tls }, tls: serving, adminSocket };
}

async function readyPort(adminSocket: string): Promise<number | undefined> {
  try {
    const health = (await adminCall(adminSocket, "GET", "/health")) as { ready: boolean; port: number };
    return health.ready ? health.port : undefined;
  } catch (err) {
    if (err instanceof AdminError) return undefined;
    throw err;
  }
}

import { join } from "node:path";
import { httpTransport } from "../machinery/client/http-transport.js";
import { RestClient } from "../machinery/client/rest-client.js";
import type { Transport } from "../machinery/api/http.js";
import { environment } from "../machinery/runtime/host.js";
import { findKubeconfig } from "../machinery/runtime/kubeconfig.js";
import type { CliContext } from "./command.js";
import { ClusterDir, defaultDataDir, UserError } from "./supervisor/cluster.js";

export interface ConnectOptions {
  kubeconfig?: string;
  context?: string;
  /** Cluster name, for when neither flag nor KUBECONFIG says. */
  name?: string;
}

/** The cluster a verb acts on, found as kubectl does: `--kubeconfig`, `KUBECONFIG`, else the cluster of `--name`. */
export function connect(
  options: ConnectOptions,
  context: CliContext,
): { client: RestClient; transport: Transport; server: string; kubeconfig: string } {
  const kubeconfig = kubeconfigPath(options);
  const credentials = findKubeconfig(kubeconfig);
  if (!credentials) {
    throw new UserError(
      `no cluster: ${kubeconfig} does not exist; start one with "kubesim up" or set KUBECONFIG`,
    );
  }
  const transport = httpTransport(credentials);
  return {
    client: new RestClient({ transport, clock: context.clock, userAgent: "kubesim" }),
    transport,
    server: credentials.server,
    kubeconfig,
  };
}

export function kubeconfigPath(options: ConnectOptions): string {
  if (options.kubeconfig) return options.kubeconfig;
  const fromEnvironment = environment("KUBECONFIG")?.split(":")[0];
  if (fromEnvironment && !options.name) return fromEnvironment;
  return join(new ClusterDir(defaultDataDir(options.name ?? "default")).path, "kubeconfig");
}

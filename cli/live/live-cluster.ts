import { Agent, request } from "node:http";
import { dirname } from "node:path";
import type { ClusterAccess, HostAnswer } from "../../chaos/cluster-access.js";
import type { FlowRecord } from "../../chaos/history.js";
import { adminCall } from "../../machinery/runtime/admin-server.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { CliContext } from "../command.js";
import { type HostPort, localPortOf } from "./host-ports.js";
import { readManifests } from "../manifests.js";
import { applyWhileStarting } from "../objects/apply.js";
import { builtInResource } from "../resource-for.js";
import { ClusterDir, type ClusterFile, UserError } from "../supervisor/cluster.js";
import { adminSocket } from "../supervisor/processes.js";

const MOST_FLOWS = 1_000_000;

/** The cluster whose kubeconfig this is, if it runs on this machine: its sockets lie beside the kubeconfig. */
export function localCluster(kubeconfig: string): { dir: ClusterDir; cluster: ClusterFile } {
  const dir = new ClusterDir(dirname(kubeconfig));
  const cluster = dir.read();
  if (!cluster)
    throw new UserError(`${kubeconfig} is not the kubeconfig of a kubesim cluster on this machine`, 2);
  return { dir, cluster };
}

/** A running cluster, as scenarios reach it. */
export function liveCluster(
  client: RestClient,
  kubeconfig: string,
  context: CliContext,
): ClusterAccess & { close(): void } {
  const { cluster } = localCluster(kubeconfig);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const dataplane = adminSocket(cluster, "dataplane");
  return {
    client,
    clock: context.clock,
    async apply(paths, signal) {
      const documents = readManifests(paths);
      await applyWhileStarting(
        { client, namespace: "default" },
        builtInResource,
        documents,
        context.clock,
        signal,
      );
    },
    requestFromHost: async (nodePort, timeoutMs, keepAlive) =>
      get(await hostPortOf(dataplane, nodePort), timeoutMs, keepAlive ? agent : false),
    async flows(fromMs, toMs) {
      const found = (await adminCall(dataplane, "GET", `/flows?limit=${MOST_FLOWS}`)) as FlowRecord[];
      return found.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    },
    close: () => agent.destroy(),
  };
}

const known = new Map<string, number>();

/** The host socket that stands for a node port: the same number, unless that was taken. */
async function hostPortOf(dataplane: string, nodePort: number): Promise<number> {
  const key = `${dataplane} ${nodePort}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const found = localPortOf((await adminCall(dataplane, "GET", "/host-ports")) as HostPort[], nodePort);
  if (found !== undefined) known.set(key, found);
  return found ?? nodePort;
}

function get(port: number, timeoutMs: number, agent: Agent | false): Promise<HostAnswer> {
  return new Promise((resolve) => {
    let local: string | undefined;
    const withLocal = (answer: HostAnswer): void => resolve({ ...answer, ...(local ? { local } : {}) });
    const call = request({ host: "127.0.0.1", port, path: "/", agent, timeout: timeoutMs }, (response) => {
      response.resume();
      response.on("end", () => {
        const ok = response.statusCode === 200;
        withLocal({
          outcome: ok ? "ok" : "failed",
          ...(response.statusCode ? { status: response.statusCode } : {}),
        });
      });
      response.on("error", (err) => withLocal({ outcome: "failed", error: err.message }));
    });
    call.on("socket", (socket) => {
      const note = (): void => {
        local = `127.0.0.1:${socket.localPort}`;
      };
      if (socket.connecting) socket.once("connect", note);
      else note();
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.on("error", (err) => withLocal({ outcome: "failed", error: err.message }));
    call.end();
  });
}

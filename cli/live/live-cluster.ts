import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { dirname } from "node:path";
import type { ClusterAccess, HostAnswer, HostRequest } from "../../chaos/cluster-access.js";
import type { FlowRecord } from "../../chaos/history.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { adminCall } from "../../machinery/runtime/admin-server.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { CliContext } from "../command.js";
import { type HostPort, localPortOf } from "./host-ports.js";
import { liveFaults, whenLost } from "./live-faults.js";
import { readManifests } from "../manifests.js";
import { applyWhileStarting } from "../objects/apply.js";
import { builtInResource } from "../resource-for.js";
import { ClusterDir, type ClusterFile, UserError } from "../supervisor/cluster.js";
import { adminSocket } from "../supervisor/processes.js";
import type { ClusterStatus } from "../supervisor/supervisor.js";

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
  const supervisor = adminSocket(cluster, "supervisor");
  return {
    client,
    clock: context.clock,
    faults: liveFaults(supervisor),
    onLost: (tell, signal) => whenLost(supervisor, tell, signal),
    shape: () => Promise.resolve({ nodes: cluster.nodes }),
    processes: () => runningProcesses(adminSocket(cluster, "supervisor")),
    inspect: (component, path) => adminCall(adminSocket(cluster, component), "GET", path),
    async apply(manifests, signal) {
      const documents = manifests.flatMap((source) =>
        typeof source === "string"
          ? readManifests([source])
          : [{ object: source as unknown as KubeObject, source: "the scenario" }],
      );
      await applyWhileStarting(
        { client, namespace: "default" },
        builtInResource,
        documents,
        context.clock,
        signal,
      );
    },
    requestFromHost: async (call) => send(await hostPortOf(dataplane, call.nodePort), call, agent),
    async flows(fromMs, toMs) {
      const { bootId } = (await adminCall(dataplane, "GET", "/health")) as { bootId: string };
      const [start = ""] = bootId.split("/");
      const found = (await adminCall(dataplane, "GET", `/flows?limit=${MOST_FLOWS}`)) as FlowRecord[];
      return found.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map((flow) => ({ ...flow, start }));
    },
    close: () => agent.destroy(),
  };
}

/** What the supervisor knows of, and its other children, if the system tells. */
async function runningProcesses(supervisor: string): Promise<string[]> {
  const status = (await adminCall(supervisor, "GET", "/status")) as ClusterStatus;
  const running = status.processes.filter(({ pid }) => pid !== null);
  const known = new Set(running.map(({ pid }) => String(pid)));
  const others = childrenOf(status.supervisor).filter((pid) => !known.has(pid));
  return [...running.map(({ name }) => name), ...others.map((pid) => `with pid ${pid}`)];
}

/** Empty where there is no /proc. */
function childrenOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  } catch {
    return [];
  }
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

/** Whole answers are `ok`, whatever their status. */
function send(port: number, call: HostRequest, keepAlive: Agent): Promise<HostAnswer> {
  return new Promise((resolve) => {
    let local: string | undefined;
    const withLocal = (answer: HostAnswer): void => resolve({ ...answer, ...(local ? { local } : {}) });
    const { method, path, headers, timeoutMs } = call;
    const agent = call.keepAlive ? keepAlive : false;
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers: { ...headers }, agent, timeout: timeoutMs },
      (response) => {
        const chunks: Buffer[] = [];
        let kept = 0;
        response.on("data", (chunk: Buffer) => {
          if (kept < (call.bodyBytes ?? 0)) chunks.push(chunk);
          kept += chunk.length;
        });
        response.on("end", () => {
          const body = Buffer.concat(chunks)
            .subarray(0, call.bodyBytes ?? 0)
            .toString("utf8");
          const status = response.statusCode ?? 0;
          withLocal({ outcome: "ok", status, ...(call.bodyBytes ? { body } : {}) });
        });
        response.on("error", (err) => withLocal({ outcome: "failed", error: err.message }));
      },
    );
    outgoing.on("socket", (socket) => {
      const note = (): void => {
        local = `127.0.0.1:${socket.localPort}`;
      };
      if (socket.connecting) socket.once("connect", note);
      else note();
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on("error", (err) => withLocal({ outcome: "failed", error: err.message }));
    outgoing.end(call.body);
  });
}

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { AdminError, adminCall, adminStream } from "../../machinery/runtime/admin-server.js";
import { kubeconfigPath } from "../connect.js";
import type { FlagSpecs } from "../flags.js";
import { ClusterDir, UserError } from "../supervisor/cluster.js";
import { adminSocket, type ProcessName } from "../supervisor/processes.js";

/** Flags of verbs that look into the processes of a cluster on this machine. */
export const adminFlags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig file to use for CLI requests." },
  name: { kind: "string", help: "Name of a running kubesim cluster." },
  "data-dir": { kind: "string", help: "Its data directory, when it is not ~/.kubesim/NAME." },
  namespace: { kind: "string", short: "n", help: "If present, the namespace scope for this CLI request" },
} as const satisfies FlagSpecs;

export interface WhichAdmin {
  kubeconfig: string | undefined;
  name: string | undefined;
  "data-dir": string | undefined;
}

/** The admin sockets of one cluster's processes. Calls reject with UserError when a process does not answer. */
export interface ClusterAdmin {
  /** Of the cluster, in its data directory. */
  kubeconfig: string;
  call<T>(process: ProcessName, method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<T>;
  stream<T>(process: ProcessName | "supervisor", path: string, signal: AbortSignal): AsyncIterable<T>;
}

/** The cluster's data directory is where its kubeconfig lies, unless told. */
export function clusterAdmin(flags: WhichAdmin): ClusterAdmin {
  const kubeconfig = kubeconfigPath({
    ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}),
    ...(flags.name ? { name: flags.name } : {}),
  });
  const dir = new ClusterDir(flags["data-dir"] ?? dirname(kubeconfig));
  const cluster = dir.read();
  if (!cluster) throw new UserError(`${dir.path} is not the data directory of a kubesim cluster`);
  const socket = (process: ProcessName | "supervisor"): string => adminSocket(cluster, process);
  return {
    kubeconfig: existsSync(dir.kubeconfig) ? dir.kubeconfig : kubeconfig,
    call: async <T>(process: ProcessName, method: "GET" | "POST" | "PUT", path: string, body?: unknown) => {
      try {
        return (await adminCall(socket(process), method, path, body)) as T;
      } catch (err) {
        throw toUserError(err, process);
      }
    },
    async *stream<T>(process: ProcessName | "supervisor", path: string, signal: AbortSignal) {
      try {
        for await (const line of adminStream(socket(process), path, signal)) yield line as T;
      } catch (err) {
        if (!signal.aborted) throw toUserError(err, process);
      }
    },
  };
}

function toUserError(err: unknown, process: ProcessName | "supervisor"): unknown {
  if (!(err instanceof AdminError)) return err;
  if (err.status === 0) return new UserError(`the ${process} process does not answer; is the cluster up?`);
  return new UserError(errorText(err.message));
}

function errorText(body: string): string {
  try {
    return (JSON.parse(body) as { error?: string }).error ?? body;
  } catch {
    return body;
  }
}

/** `web`, `svc/web` or `service/web` → `default/web`. Undefined when nothing was named. */
export function serviceKey(text: string | undefined, namespace: string): string | undefined {
  if (text === undefined) return undefined;
  const [kind, name] = text.includes("/") ? text.split("/", 2) : ["svc", text];
  if (!name || !["svc", "service", "services"].includes(kind ?? ""))
    throw new UserError(`expected svc/NAME, not "${text}"`, 2);
  return `${namespace}/${name}`;
}

/** `12:49:00.694`, in UTC as the logs are. */
export const clockTime = (ms: number): string => new Date(ms).toISOString().slice(11, 23);

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClusterDir, type ClusterFile } from "../../cli/supervisor/cluster.js";
import { adminSocket, type ProcessName } from "../../cli/supervisor/processes.js";
import type { ClusterStatus } from "../../cli/supervisor/supervisor.js";
import { httpTransport } from "../../machinery/client/http-transport.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { AdminError, adminCall } from "../../machinery/runtime/admin-server.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { BenchContext } from "./benchmark.js";
import { type RunningProduct, startProduct } from "./product.js";
import { until } from "./wait.js";
import { workDir } from "./work-dir.js";

export const DEMO_MANIFESTS = fileURLToPath(new URL("../../../manifests/demo", import.meta.url));
export const DEMO_NODE_PORT = 30080;

export interface ClusterOptions {
  nodes?: number;
  manifests?: readonly string[];
  extraArgs?: readonly string[];
}

let count = 0;

/** `kubesim up` and the way into it. */
export class BenchCluster {
  readonly dir: ClusterDir;
  readonly product: RunningProduct;
  readonly #context: BenchContext;
  #client: RestClient | undefined;

  private constructor(context: BenchContext, dir: ClusterDir, product: RunningProduct) {
    this.#context = context;
    this.dir = dir;
    this.product = product;
  }

  /** Only starts it; nothing is ready yet. */
  static launch(context: BenchContext, options: ClusterOptions = {}): BenchCluster {
    const dir = new ClusterDir(workDir(context.scope));
    count += 1;
    const args = ["up", "--name", `bench-${process.pid}-${count}`, "--data-dir", dir.path, "--api-port", "0"];
    args.push("--nodes", String(options.nodes ?? 3), "--log-level", "warn", ...(options.extraArgs ?? []));
    if (options.manifests?.length) args.push("-f", ...options.manifests);
    const product = startProduct(context.scope, args, join(dir.path, "up.log"));
    return new BenchCluster(context, dir, product);
  }

  /** Starts it and waits until every process says that it is ready and the manifests are applied. */
  static async start(context: BenchContext, options: ClusterOptions = {}): Promise<BenchCluster> {
    const cluster = BenchCluster.launch(context, options);
    await cluster.whenReady();
    return cluster;
  }

  async whenReady(): Promise<ClusterStatus> {
    let last: ClusterStatus | undefined;
    try {
      return await this.until(async () => {
        last = await this.admin<ClusterStatus>("supervisor", "/status");
        return last?.processes.length && last.processes.every(({ ready }) => ready) ? last : undefined;
      }, 20);
    } catch (err) {
      const waiting = last?.processes
        .filter(({ ready }) => !ready)
        .map(({ name, reason }) => `${name} (${reason})`);
      const seen = waiting ? `not ready: ${waiting.join(", ")}` : "the supervisor did not answer";
      throw new Error(`${err instanceof Error ? err.message : String(err)}; ${seen}`, { cause: err });
    }
  }

  /** Undefined until `up` has chosen ports and paths. */
  get file(): ClusterFile | undefined {
    return this.dir.read();
  }

  get client(): RestClient {
    if (this.#client) return this.#client;
    const transport = httpTransport(loadKubeconfig(this.dir.kubeconfig));
    this.#context.scope.defer(() => transport.close());
    this.#client = new RestClient({ transport, clock: systemClock(), userAgent: "kubesim-bench" });
    return this.#client;
  }

  /** A process's answer on its admin socket; undefined while there is none. */
  async admin<T>(process: ProcessName | "supervisor", path: string): Promise<T | undefined> {
    const { file } = this;
    if (!file) return undefined;
    try {
      return (await adminCall(adminSocket(file, process), "GET", path)) as T;
    } catch (err) {
      if (err instanceof AdminError) return undefined;
      throw err;
    }
  }

  /** Rejects when the cluster ends before there is an answer. */
  until<T>(ask: () => Promise<T | undefined> | T | undefined, pollMs = 10): Promise<T> {
    return Promise.race([until(ask, pollMs, this.#context.signal), this.product.failure]);
  }

  /** The node port at an address that is this cluster's alone, so that no other cluster can answer in its place. */
  nodePort(file: ClusterFile, port = DEMO_NODE_PORT): { host: string; port: number } {
    return { host: process.platform === "linux" ? `127.${file.loopbackIndex}.0.1` : "127.0.0.1", port };
  }
}

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import type { ClusterDir, ClusterFile } from "./cluster.js";
import type { LaunchOptions } from "./processes.js";

export interface TunnelLeaseOptions {
  dir: ClusterDir;
  cluster: ClusterFile;
  clock: Clock;
  logger: Logger;
  launch: Pick<LaunchOptions, "cloud">;
}

/** Takes the addresses of load balancers back when their tunnel has ended in a way that it could not do so itself. */
export class TunnelLease {
  readonly #options: TunnelLeaseOptions;
  readonly #marker: string;
  #isHeld = false;
  #clearing: Promise<void> = Promise.resolve();

  constructor(options: TunnelLeaseOptions) {
    this.#options = options;
    this.#marker = join(options.dir.path, "tunnel");
  }

  /** The lease is the answer's connection. Rejects with RangeError while another tunnel has it. */
  handlers(): AdminHandlers {
    return { "GET /tunnel/lease": ({ signal }) => this.#hold(signal) };
  }

  /** After a supervisor that ended with a tunnel open; call once the API server answers. */
  async clearLeftovers(): Promise<void> {
    if (existsSync(this.#marker)) await this.#clear();
  }

  async #hold(signal: AbortSignal): Promise<AsyncIterable<{ held: true }>> {
    if (this.#options.launch.cloud)
      throw new RangeError("this cluster gives load balancers their addresses itself (up --cloud)");
    // What the one before left is taken back first, or it would take this one's.
    await this.#clearing;
    if (this.#isHeld) throw new RangeError("another tunnel is running");
    this.#isHeld = true;
    writeFileSync(this.#marker, "");
    return this.#untilGone(signal);
  }

  async *#untilGone(signal: AbortSignal): AsyncGenerator<{ held: true }> {
    try {
      yield { held: true };
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      this.#isHeld = false;
      this.#clearing = this.#clear().catch((err: unknown) =>
        this.#options.logger.warn("Could not take load balancers' addresses back", { err }),
      );
    }
  }

  async #clear(): Promise<void> {
    const { dir, cluster, clock, logger } = this.#options;
    const [{ clearBalancerStatus }, { httpTransport }, { RestClient }] = await Promise.all([
      import("../live/balancer-status.js"),
      import("../../machinery/client/http-transport.js"),
      import("../../machinery/client/rest-client.js"),
    ]);
    const transport = httpTransport(loadKubeconfig(dir.kubeconfig));
    try {
      const client = new RestClient({ transport, clock, userAgent: "kubesim-supervisor" });
      const count = await clearBalancerStatus({ client, clock }, cluster.loopbackIndex);
      rmSync(this.#marker, { force: true });
      if (count > 0) logger.info("Took load balancers' addresses back", { count });
    } finally {
      transport.close();
    }
  }
}

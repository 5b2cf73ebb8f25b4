import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TRAFFIC_LABEL } from "../../chaos/workloads/traffic-label.js";
import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { whenAborted } from "../../machinery/api/when-aborted.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import { ownPid } from "../../machinery/runtime/host.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import type { SessionLine } from "../live/live-faults.js";
import type { ClusterDir } from "./cluster.js";

export interface ChaosSessionsOptions {
  dir: ClusterDir;
  clock: Clock;
  logger: Logger;
}

/** The runs of scenarios on this cluster: each knows when the cluster goes, and what a killed one left is removed. */
export class ChaosSessions {
  readonly #options: ChaosSessionsOptions;
  readonly #marker: string;
  #open = 0;
  #stopping = false;
  #tellEnding = (): void => {};
  readonly #ending = new Promise<void>((resolve) => {
    this.#tellEnding = resolve;
  });

  constructor(options: ChaosSessionsOptions) {
    this.#options = options;
    this.#marker = join(options.dir.path, "chaos-session");
  }

  handlers(): AdminHandlers {
    return { "GET /chaos/session": ({ signal }) => this.#session(signal) };
  }

  /** Tells every run that the cluster is about to stop. */
  stop(): void {
    this.#stopping = true;
    this.#tellEnding();
  }

  /** After a supervisor that ended while a scenario ran; call once the API server answers. */
  async clearLeftovers(): Promise<void> {
    if (existsSync(this.#marker)) await this.#clearOrWarn();
  }

  async *#session(signal: AbortSignal): AsyncGenerator<SessionLine> {
    this.#open += 1;
    writeFileSync(this.#marker, "");
    try {
      yield { supervisor: ownPid() };
      await Promise.race([this.#ending, whenAborted(signal)]);
      if (!signal.aborted) yield { ending: "the cluster is going down" };
    } finally {
      this.#open -= 1;
      // While the cluster stops there is no time; the next start sees the marker.
      if (this.#open === 0 && !this.#stopping) void this.#clearOrWarn();
    }
  }

  async #clearOrWarn(): Promise<void> {
    try {
      await this.#clear();
    } catch (err) {
      this.#options.logger.warn("What a scenario left is not removed; the next start tries again", { err });
    }
  }

  /** Removes the traffic pods of runs that have ended; a run that has begun since keeps its own. */
  async #clear(): Promise<void> {
    const { dir, clock } = this.#options;
    const [{ httpTransport }, { RestClient }, { pods }] = await Promise.all([
      import("../../machinery/client/http-transport.js"),
      import("../../machinery/client/rest-client.js"),
      import("../../machinery/api/core-v1.js"),
    ]);
    const transport = httpTransport(loadKubeconfig(dir.kubeconfig));
    try {
      const client = new RestClient({ transport, clock, userAgent: "kubesim-supervisor" });
      const { items } = await client.list(pods, { labelSelector: TRAFFIC_LABEL });
      if (this.#open > 0) return;
      for (const { metadata } of items)
        await client.delete(
          pods,
          { namespace: metadata.namespace ?? "default", name: metadata.name },
          { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } },
        );
      rmSync(this.#marker, { force: true });
    } finally {
      transport.close();
    }
  }
}

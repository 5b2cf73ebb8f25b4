import type { FaultRequest } from "../../chaos/cluster-access.js";
import { FaultHolder } from "../../chaos/fault-holder.js";
import type { Reach } from "../../chaos/reach.js";
import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import type { LeaseLine } from "../live/live-faults.js";
import { ChaosSessions } from "./chaos-sessions.js";
import type { ClusterDir, ClusterFile } from "./cluster.js";
import { fileJournal } from "./fault-journal-file.js";
import { LiveComponents } from "./live-components.js";
import { LiveStore, type LiveStoreOptions } from "./live-store.js";
import type { LiveProcesses } from "./live-processes.js";

export interface ClusterChaosOptions {
  dir: ClusterDir;
  cluster: ClusterFile;
  processes: LiveProcesses;
  store: Omit<LiveStoreOptions, "dir">;
  clock: Clock;
  logger: Logger;
}

/** What cannot be healed while the cluster stops is healed at its next start. */
const STOP_PATIENCE_MS = 4000;

/** The supervisor's part in chaos: it holds the faults, so that they end with their runner and survive nothing. */
export class ClusterChaos {
  readonly #options: ClusterChaosOptions;
  readonly #stopping = new AbortController();
  #holder: Promise<FaultHolder> | undefined;
  #closeTransport = (): void => {};
  readonly #sessions: ChaosSessions;

  constructor(options: ClusterChaosOptions) {
    this.#options = options;
    this.#sessions = new ChaosSessions(options);
  }

  handlers(): AdminHandlers {
    return {
      ...this.#sessions.handlers(),
      "GET /chaos/faults": async () => (await this.#holding()).open,
      "GET /chaos/lease": ({ query, signal }) =>
        this.#lease(JSON.parse(query.get("request") ?? "{}") as FaultRequest, signal),
      "DELETE /chaos/faults": async ({ query }) => (await this.#holding()).heal(query.get("id") ?? undefined),
    };
  }

  /** Heals what a supervisor that was killed had written down; call once the API server answers. */
  async healLeftovers(): Promise<number> {
    // Nothing to load when nothing is open, which is nearly always.
    const open = fileJournal(this.#options.dir.faultJournal).entries().length;
    const healed = open === 0 ? 0 : await (await this.#holding()).healLeftovers();
    await this.#sessions.clearLeftovers();
    return healed;
  }

  /** Ends the runners' sessions and heals everything that is held: the cluster is about to stop. */
  async stop(): Promise<void> {
    this.#sessions.stop();
    const patience = this.#options.clock.setTimer(STOP_PATIENCE_MS, () => this.#stopping.abort());
    if (this.#holder) await (await this.#holder).releaseAll();
    patience.cancel();
    this.#closeTransport();
  }

  async *#lease(request: FaultRequest, signal: AbortSignal): AsyncGenerator<LeaseLine> {
    const holder = await this.#holding();
    // The runner may go away while its fault is being injected.
    const gone = (): void => void holder.release(request.id);
    signal.addEventListener("abort", gone, { once: true });
    try {
      const held = await holder.hold(request);
      yield { injected: request.id };
      yield { healed: await held.healed };
    } catch (err) {
      yield { refused: err instanceof Error ? err.message : String(err) };
    } finally {
      signal.removeEventListener("abort", gone);
    }
  }

  #holding(): Promise<FaultHolder> {
    this.#holder ??= this.#open();
    return this.#holder;
  }

  async #open(): Promise<FaultHolder> {
    const { dir, cluster, processes, clock, logger } = this.#options;
    const [{ faults }, { httpTransport }, { RestClient }] = await Promise.all([
      import("../../chaos/faults.js"),
      import("../../machinery/client/http-transport.js"),
      import("../../machinery/client/rest-client.js"),
    ]);
    const transport = httpTransport(loadKubeconfig(dir.kubeconfig));
    this.#closeTransport = () => transport.close();
    const reach: Reach = {
      client: new RestClient({ transport, clock, userAgent: "kubesim-supervisor" }),
      clock,
      components: new LiveComponents(cluster, clock),
      processes,
      store: new LiveStore({ dir, ...this.#options.store }),
      signal: this.#stopping.signal,
    };
    return new FaultHolder({ faults, reach, journal: fileJournal(dir.faultJournal), logger });
  }
}

import { whenAborted } from "../machinery/api/when-aborted.js";
import { setMaxListeners } from "node:events";
import type { Clock } from "../machinery/api/clock.js";
import type { Transport } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import { EventRecorder } from "../machinery/client/event-recorder.js";
import type { Informer } from "../machinery/client/informer.js";
import { LeaderElection } from "../machinery/client/leader-election.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { SharedInformers } from "../machinery/client/shared-informers.js";
import { waitForServer } from "../machinery/client/wait-for-server.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import { MetricsRegistry } from "../machinery/runtime/metrics.js";
import { ControllerFaults } from "./controller-faults.js";
import type { Controller, ControllerDeps, RunningController } from "./controller.js";
import { allControllers } from "./controllers.js";
import { registerControllerMetrics } from "./metrics.js";
import type { CloudLoadBalancers } from "./service/cloud.js";
import { isSelected } from "./selection.js";

export interface ControllerManagerOptions {
  transport: Transport;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Default true. */
  leaderElect?: boolean;
  /** Unique to this instance and kept across its restarts. Default: drawn from `rng`. */
  identity?: string;
  /** PEM, published as `kube-root-ca.crt`. */
  caCertificate?: string | undefined;
  podCidr?: string | undefined;
  cloud?: CloudLoadBalancers | undefined;
  /** Default 5, as most upstream controllers. */
  concurrentSyncs?: number;
  /** Where this adds its metrics. */
  metrics?: MetricsRegistry;
  /** `*`, names, and `-name` for all but that one. Default all. */
  controllers?: readonly string[];
  /** From which `controllers` chooses. Default: every one there is. */
  known?: readonly Controller[];
}

interface Running {
  name: string;
  controller: RunningController;
  informers: Set<Informer<KubeObject>>;
  events: EventRecorder;
  /** Its caches were complete once; those it asks for later are its own business. */
  started: boolean;
}

const STOPPED = new Error("the controllers stop");

/** Starts and stops the controllers; they work while this instance holds the lease. */
export class ControllerManager {
  readonly faults = new ControllerFaults();
  readonly #options: ControllerManagerOptions;
  readonly #logger: Logger;
  readonly #metrics: MetricsRegistry;
  #state: "waiting" | "standby" | "starting" | "leading" = "waiting";
  #running: Running[] = [];
  /** Ends what runs now; then everything begins anew. */
  #startOver: (() => void) | undefined;

  constructor(options: ControllerManagerOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#metrics = options.metrics ?? new MetricsRegistry();
    registerControllerMetrics(this.#metrics, () =>
      this.#running.map(({ name, controller }) => ({ name, stats: controller.stats() })),
    );
  }

  /** Runs until the signal aborts. An instance that loses its lease stops all controllers and stands by again. */
  async run(signal: AbortSignal): Promise<void> {
    const client = this.#newClient("leader-election");
    await waitForServer(client, this.#options.clock, signal).catch(() => {});
    while (!signal.aborted) {
      if (this.#options.leaderElect === false) await this.#lead(signal);
      else await this.#standForElection(client, signal);
    }
  }

  adminHandlers(): AdminHandlers {
    return {
      "GET /health": () =>
        this.#state === "leading" || this.#state === "standby"
          ? { ready: true, state: this.#state }
          : {
              ready: false,
              reason: this.#state === "waiting" ? "waiting for the API server" : "filling caches",
            },
      "GET /metrics": () => this.#metrics.expose(),
    };
  }

  async #standForElection(client: RestClient, signal: AbortSignal): Promise<void> {
    const { clock, rng } = this.#options;
    const election = new LeaderElection({
      client,
      clock,
      rng: rng.fork("leader-election"),
      logger: this.#logger,
      namespace: "kube-system",
      name: "kube-controller-manager",
      identity: this.#options.identity ?? `kubesim_${rng.fork("identity").uuid()}`,
    });
    this.#state = "standby";
    const outcome = await election.run(signal, (leading) => this.#lead(leading));
    if (outcome === "lost") this.#logger.warn("Lost the lease, standing by");
  }

  /** All controllers stop and begin anew with empty caches, the lease kept. Without effect while standing by. */
  startOver(): void {
    this.#startOver?.();
  }

  async #lead(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const over = new AbortController();
      const end = (): void => over.abort(STOPPED);
      this.#startOver = end;
      signal.addEventListener("abort", end, { once: true });
      await this.#work(over.signal);
      signal.removeEventListener("abort", end);
    }
    this.#startOver = undefined;
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.#state = "starting";
    // Every loop of every controller listens to it; that is no leak.
    setMaxListeners(0, signal);
    const informers = new SharedInformers({
      client: this.#newClient("shared-informers"),
      clock: this.#options.clock,
      rng: this.#options.rng.fork("informers"),
      logger: this.#logger,
    });
    this.#running = (this.#options.known ?? allControllers)
      .filter(({ name }) => isSelected(name, this.#options.controllers))
      .map((controller) => this.#build(controller, informers));
    const work = this.#running.map((running) => this.#start(running, signal));
    await Promise.all([informers.run(signal), ...work]);
    this.#running = [];
  }

  async #start(running: Running, signal: AbortSignal): Promise<void> {
    const delivery = running.events.run(signal);
    await untilSynced(running.informers, signal);
    if (!signal.aborted) {
      running.started = true;
      this.#markLeading();
      await running.controller.run(signal);
    }
    await delivery;
  }

  #markLeading(): void {
    if (!this.#running.every(({ started }) => started)) return;
    this.#state = "leading";
    this.#logger.info("Controllers started", { controllers: this.#running.map(({ name }) => name) });
  }

  #build(controller: Controller, shared: SharedInformers): Running {
    const { name } = controller;
    const { clock, rng } = this.#options;
    const client = this.#newClient(name);
    const logger = this.#logger.child({ controller: name });
    const component = controller.component ?? `${name}-controller`;
    const events = new EventRecorder({ client, clock, rng: rng.fork(`${name}/events`), logger, component });
    const informers = new Set<Informer<KubeObject>>();
    const deps: ControllerDeps = {
      client,
      clock,
      rng: rng.fork(name),
      logger,
      events,
      informer(descriptor, selection) {
        const informer = shared.for(descriptor, selection);
        informers.add(informer as unknown as Informer<KubeObject>);
        return informer;
      },
      caCertificate: this.#options.caCertificate,
      podCidr: this.#options.podCidr,
      cloud: this.#options.cloud,
      concurrentSyncs: this.#options.concurrentSyncs ?? 5,
      pace: this.faults.of(name),
    };
    return { name, controller: controller.create(deps), informers, events, started: false };
  }

  #newClient(name: string): RestClient {
    const { transport, clock } = this.#options;
    return new RestClient({ transport, clock, userAgent: `kubesim-controllers/${name}` });
  }
}

async function untilSynced(informers: Set<Informer<KubeObject>>, signal: AbortSignal): Promise<void> {
  await Promise.race([Promise.all([...informers].map((informer) => informer.synced)), whenAborted(signal)]);
}

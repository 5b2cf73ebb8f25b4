import type { StorageEngine } from "../apiserver/storage/engine.js";
import { memoryJournal } from "../chaos/fault-journal.js";
import { FaultHolder } from "../chaos/fault-holder.js";
import { faults as allFaults } from "../chaos/faults.js";
import type { Component, Reach } from "../chaos/reach.js";
import type { ControllerManager } from "../controllers/controller-manager.js";
import type { KubeletHost } from "../kubelet-sim/kubelet-host.js";
import { type NodeConfig, numberedNodes } from "../kubelet-sim/node/node-config.js";
import type { Transport } from "../machinery/api/http.js";
import { type Logger, silentLogger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import type { DirectIdentity } from "../machinery/client/direct-transport.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import type { DataPlane } from "../proxy-sim/dataplane/data-plane.js";
import type { FlowRecord } from "../proxy-sim/dataplane/flow-log.js";
import type { Proxy } from "../proxy-sim/proxy.js";
import { DEFAULT_HISTORY_MS, launchApiServer } from "./api-server-process.js";
import { SimulatedComponents } from "./component-faults.js";
import { type ControllersOptions, launchControllers } from "./controllers-process.js";
import { launchDataPlane } from "./data-plane-process.js";
import { type KubeletOptions, launchKubelet } from "./kubelet-process.js";
import { SimulatedStore } from "./simulated-store.js";
import { type Leader, launchReplica } from "./replica-process.js";
import { SimulatedProcesses } from "./processes.js";
import { type DataPlaneProcess, launchProxy } from "./proxy-process.js";
import { SimulationScheduler } from "./scheduler.js";
import type { Parts } from "./parts.js";
import { type Launch, type Running, SimulatedProcess } from "./simulated-process.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { VirtualClock } from "./virtual-clock.js";
import { ADMIN, DEFAULT_LATENCIES, type Latencies, World } from "./world.js";

export interface SimulationOptions {
  seed: number | string;
  /** How many, or which. Default 3. */
  nodes?: number | readonly NodeConfig[];
  latencies?: Partial<Latencies>;
  proxyMode?: string | undefined;
  podCidr?: string | undefined;
  ipReuse?: KubeletOptions["ipReuse"];
  containerLatency?: KubeletOptions["latency"];
  historyMs?: number | undefined;
  logger?: Logger;
  /** Other parts than ours. */
  parts?: Parts;
}

const READY_LIMIT_MS = 60_000;
const MOST_FLOWS = 1_000_000;

/** The whole cluster in one process on a virtual clock: one seed, one history. */
export class SimulatedCluster {
  readonly clock: VirtualClock;
  readonly scheduler: SimulationScheduler;
  readonly rng: Rng;
  readonly world: World;
  readonly processes: SimulatedProcesses;
  /** Whoever holds faults; what it reaches. */
  readonly faults: FaultHolder;
  readonly reach: Reach;
  /** The administrator's client. Its calls wait on simulated time: await them through `settle`. */
  readonly client: RestClient;
  readonly #options: SimulationOptions;
  /** Of the host, where the administrator is. */
  readonly #host: SkewableClock;
  readonly #stopping = new AbortController();
  readonly #dataPlanes: DataPlane[] = [];
  #storage: StorageEngine | undefined;
  #leader: Leader | undefined;
  #controllers: ControllerManager | undefined;
  #kubelets: KubeletHost | undefined;
  #proxy: Proxy | undefined;
  #dataPlane: DataPlaneProcess | undefined;
  #duplicates = 0;

  private constructor(options: SimulationOptions) {
    const logger = options.logger ?? silentLogger;
    this.#options = options;
    this.clock = new VirtualClock();
    this.rng = seededRng(options.seed);
    this.scheduler = new SimulationScheduler(this.clock);
    this.#host = new SkewableClock(this.clock);
    this.world = new World({
      clock: this.clock,
      rng: this.rng,
      logger,
      latencies: { ...DEFAULT_LATENCIES, ...options.latencies },
      ...(options.parts ? { parts: options.parts } : {}),
    });
    this.processes = new SimulatedProcesses({
      processes: this.#newProcesses(),
      newReplica: (lagMs) => this.#newReplica(lagMs),
      newDuplicate: (component, split) => this.#newDuplicate(component, split),
    });
    this.client = this.clientAs("admin", ADMIN);
    this.reach = {
      client: this.client,
      clock: this.clock,
      components: new SimulatedComponents(this.processes),
      processes: this.processes,
      store: new SimulatedStore(this.world.disk),
      signal: this.#stopping.signal,
    };
    this.faults = new FaultHolder({ faults: allFaults, reach: this.reach, journal: memoryJournal(), logger });
  }

  /** A cluster whose nodes are ready. Dispose of it with `stop`. */
  static async start(options: SimulationOptions): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options);
    for (const process of cluster.processes.all) process.launch();
    const [refused] = cluster.processes.all.flatMap(({ failedStarts }) => failedStarts);
    if (refused !== undefined) throw refused;
    await cluster.until(
      () => cluster.processes.of("kubelet").isReady,
      READY_LIMIT_MS,
      "every node being ready",
    );
    return cluster;
  }

  /** What runs now, or ran last. */
  get storage(): StorageEngine {
    return there(this.#storage, "apiserver");
  }
  get controllers(): ControllerManager {
    return there(this.#controllers, "controllers");
  }
  get kubelets(): KubeletHost {
    return there(this.#kubelets, "kubelet");
  }
  get proxy(): Proxy {
    return there(this.#proxy, "proxy");
  }
  get dataPlane(): DataPlane {
    return there(this.#dataPlanes.at(-1), "dataplane");
  }
  /** Undefined while it is down. */
  get dataPlaneProcess(): DataPlaneProcess | undefined {
    return this.#dataPlane;
  }

  /** Every flow that is remembered, also those of data planes that have ended. */
  flows(): (FlowRecord & { start: string })[] {
    return this.#dataPlanes.flatMap(({ flows, startId: start }) =>
      flows.list({}, MOST_FLOWS).map((flow) => ({ ...flow, start })),
    );
  }

  /** A way to the API server from the host, as `identity`. `path` names its place in the tree of chance. */
  transportAs(path: string, identity: DirectIdentity): Transport {
    return this.world.apiTransport(path, this.#host, identity);
  }

  clientAs(path: string, identity: DirectIdentity): RestClient {
    return new RestClient({
      transport: this.transportAs(path, identity),
      clock: this.clock,
      userAgent: `kubesim/${path}`,
    });
  }

  /** Runs the world until the operation has ended, and answers as it does. */
  settle<T>(operation: Promise<T>): Promise<T> {
    return this.scheduler.settle(operation);
  }

  run(durationMs: number): Promise<void> {
    return this.scheduler.run(durationMs);
  }

  until(condition: () => boolean | Promise<boolean>, limitMs = 60_000, what?: string): Promise<void> {
    return this.scheduler.runUntil(condition, limitMs, what);
  }

  /** Ends every loop; the API server last. Rejects when a process had crashed. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the simulation ended"));
    const server = this.processes.of("apiserver");
    const others = this.processes.all.filter((process) => process !== server);
    await this.settle(Promise.all(others.map((process) => process.shutDown())));
    await this.settle(server.shutDown());
    const crashes = this.processes.all.flatMap((process) => process.crashes);
    if (crashes.length > 0) throw new AggregateError(crashes, "a process of the cluster crashed");
  }

  #newProcesses(): Record<Component, SimulatedProcess> {
    const { world } = this;
    const { packets } = world;
    const process = (
      name: Component,
      launch: (launch: Launch) => Running,
      carried?: SkewableClock,
    ): SimulatedProcess => this.#newProcess(name, launch, carried);
    return {
      apiserver: process("apiserver", (launch) => {
        const running = launchApiServer(world, launch, {
          historyMs: this.#options.historyMs,
          kill: () => this.processes.of("apiserver").kill(),
        });
        this.#storage = running.storage;
        return this.#leading(running);
      }),
      controllers: process("controllers", (launch) => {
        const running = launchControllers(world, launch, this.#controllersOptions("controllers"));
        this.#controllers = running.controllers;
        return running;
      }),
      kubelet: process("kubelet", (launch) => this.#launchKubelet(launch), packets.clock),
      proxy: process("proxy", (launch) => {
        const running = launchProxy(world, launch, this.#proxyOptions("proxy"));
        this.#proxy = running.proxy;
        return running;
      }),
      dataplane: process("dataplane", (launch) => this.#launchDataPlane(launch), packets.clock),
    };
  }

  #newProcess(name: string, launch: (launch: Launch) => Running, carried?: SkewableClock): SimulatedProcess {
    return new SimulatedProcess({
      name,
      master: this.clock,
      rng: this.rng.fork(name),
      logger: this.world.logger.child({ component: name }),
      launch,
      sockets: (clock) => this.world.openCalls(clock),
      ...(carried ? { carried } : {}),
    });
  }

  /** Replicas follow this process until it ends. */
  #leading(running: Running & { storage: StorageEngine }): Running {
    const ended = new AbortController();
    const leader = { storage: running.storage, ended: ended.signal };
    this.#leader = leader;
    return {
      ...running,
      ended: () => {
        running.ended();
        if (this.#leader === leader) this.#leader = undefined;
        ended.abort();
      },
    };
  }

  #newReplica(lagMs: number): SimulatedProcess {
    return this.#newProcess(`replica-${++this.#duplicates}`, (launch) =>
      launchReplica(this.world, launch, {
        lagMs,
        historyMs: this.#options.historyMs ?? DEFAULT_HISTORY_MS,
        leader: () => this.#leader,
      }),
    );
  }

  #newDuplicate(component: "controllers" | "proxy", split: boolean): SimulatedProcess {
    const name = `${component}-${++this.#duplicates + 1}`;
    return this.#newProcess(name, (launch) =>
      component === "controllers"
        ? launchControllers(this.world, launch, { ...this.#controllersOptions(name), leaderElect: !split })
        : launchProxy(this.world, launch, this.#proxyOptions(name)),
    );
  }

  #launchKubelet(launch: Launch): Running {
    const { nodes = 3, ipReuse, containerLatency } = this.#options;
    const running = launchKubelet(this.world, launch, {
      nodes: typeof nodes === "number" ? numberedNodes(nodes) : nodes,
      ipReuse,
      latency: containerLatency,
    });
    this.#kubelets = running.kubelets;
    return running;
  }

  #launchDataPlane(launch: Launch): Running {
    const running = launchDataPlane(this.world, launch);
    let markEnded = (): void => {};
    const ended = new Promise<void>((resolve) => {
      markEnded = resolve;
    });
    const process = { dataPlane: running.dataPlane, clock: launch.clock, ended };
    this.#dataPlane = process;
    this.#dataPlanes.push(running.dataPlane);
    return {
      ...running,
      ended: () => {
        running.ended();
        if (this.#dataPlane === process) this.#dataPlane = undefined;
        markEnded();
      },
    };
  }

  #controllersOptions(name: string): ControllersOptions {
    return { name, leaderElect: true, podCidr: this.#options.podCidr };
  }

  #proxyOptions(name: string) {
    return { name, mode: this.#options.proxyMode, dataPlane: () => this.#dataPlane };
  }
}

function there<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new RangeError(`${name} never ran`);
  return part;
}

import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { AdminError, adminCall, startAdminServer } from "../../machinery/runtime/admin-server.js";
import { ownPid } from "../../machinery/runtime/host.js";
import type { HostPort } from "../live/host-ports.js";
import { Child } from "./child.js";
import { ClusterChaos } from "./cluster-chaos.js";
import { type ClusterDir, type ClusterFile, UserError } from "./cluster.js";
import { LiveProcesses } from "./live-processes.js";
import { TunnelLease } from "./tunnel-lease.js";
import { claimPidFile, endLeftover } from "./pid-file.js";
import {
  adminSocket,
  argumentsOf,
  carrierSocket,
  type LaunchOptions,
  DUPLICATES,
  type InstanceName,
  PROCESS_NAMES,
  type ProcessName,
  pidFile,
} from "./processes.js";

export interface ProcessStatus {
  name: string;
  pid: number | null;
  ready: boolean;
  restarts: number;
  /** Why it is not ready, or why it ended last. */
  reason?: string;
}

/** What `kubesim status -o json` prints. */
export interface ClusterStatus {
  name: string;
  dataDir: string;
  kubeconfig: string;
  server: string;
  nodes: number;
  supervisor: number;
  processes: ProcessStatus[];
  /** Every process was ready, and all that `up` was to apply is applied. */
  complete: boolean;
  /** Host sockets that stand for the cluster's node ports, and those that had to move. */
  hostPorts: HostPort[];
}

export interface SupervisorOptions {
  dir: ClusterDir;
  cluster: ClusterFile;
  launch: LaunchOptions;
  clock: Clock;
  logger: Logger;
}

interface Health {
  ready: boolean;
  reason?: string;
  answered: boolean;
  /** Of an API server. */
  port?: number;
}

const POLL_MS = 10;
const STOP_GRACE_MS = 2000;
const HEALTH_TIMEOUT_MS = 2000;
/** A process that has not answered once in this time after its start is killed, and started again. */
const SILENT_START_MS = 10_000;
/** A process that neither answers nor ends for this long is a failed start. */
const START_TIMEOUT_MS = 60_000;
const GIVE_UP_RESTARTS = 3;

/** Starts the processes of one cluster, keeps them running, and stops them in order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<ProcessName, Child>();
  readonly #processes: LiveProcesses;
  readonly #chaos: ClusterChaos;
  readonly #tunnel: TunnelLease;
  #admin: { close(): Promise<void> } | undefined;
  /** Until then the files in the run directory are another supervisor's. */
  #claimed = false;
  #complete = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#processes = new LiveProcesses({
      enabled: options.launch.chaos === true,
      childOf: (name) => this.#children.get(name),
      newReplica: (lagMs) => this.#newReplica(lagMs),
      replicaAddress: () => this.#replicaAddress(),
      clock: options.clock,
      newDuplicate: (name, split) =>
        this.#newChild(name, `${name}-2`, split && name === "controllers" ? ["--leader-elect", "false"] : []),
    });
    this.#chaos = new ClusterChaos({
      ...options,
      processes: this.#processes,
      store: {
        enabled: options.launch.chaos === true,
        isServerStopped: () => this.#children.get("apiserver")?.pid === undefined,
      },
    });
    this.#tunnel = new TunnelLease(options);
  }

  /**
   * Ends leftovers of a supervisor that was killed, then starts every process at once. Rejects with UserError when
   * another supervisor has the cluster.
   */
  async start(): Promise<void> {
    const { cluster } = this.#options;
    const owner = claimPidFile(pidFile(cluster, "supervisor"), ownPid());
    if (owner !== undefined)
      throw new UserError(`cluster "${cluster.name}" was just started by pid ${owner}`);
    this.#claimed = true;
    for (const name of [...PROCESS_NAMES, ...DUPLICATES]) endLeftover(pidFile(cluster, name));
    this.#admin = await startAdminServer(adminSocket(cluster, "supervisor"), {
      "GET /status": () => this.status(),
      "GET /health": () => ({ ready: true }),
      ...this.#chaos.handlers(),
      ...this.#tunnel.handlers(),
    });
    for (const name of PROCESS_NAMES) {
      const child = this.#newChild(name, name);
      this.#children.set(name, child);
      child.start();
    }
  }

  /** `instance` names log, pid file and admin socket; `more` comes after the process' own arguments. */
  #newChild(name: ProcessName, instance: InstanceName, more: readonly string[] = []): Child {
    const { dir, cluster, launch, clock, logger } = this.#options;
    const main = join(dirname(fileURLToPath(import.meta.url)), "..", "main.js");
    // A second proxy has sockets of its own; with the first one's it would take them away.
    const sockets = [
      "--admin-socket",
      adminSocket(cluster, instance),
      "--carrier",
      carrierSocket(cluster, instance),
    ];
    const own = instance === name ? [] : sockets;
    return new Child({
      name: instance,
      command: [main, name, ...argumentsOf(name, dir, cluster, launch), ...own, ...more],
      logFile: dir.log(instance),
      pidFile: pidFile(cluster, instance),
      clock,
      logger,
    });
  }

  #newReplica(lagMs: number): Child {
    const follow = adminSocket(this.#options.cluster, "apiserver");
    const own = ["--follow", follow, "--lag", `${lagMs}ms`, "--secure-port", "0"];
    return this.#newChild("apiserver", "apiserver-2", own);
  }

  async #replicaAddress(): Promise<string | undefined> {
    const health = await this.#health("apiserver-2");
    return health.ready && health.port !== undefined ? `https://127.0.0.1:${health.port}` : undefined;
  }

  /** Heals faults that a killed supervisor left, and ends its tunnel; answers how many faults. Call once the API server answers. */
  async healLeftovers(): Promise<number> {
    await this.#tunnel.clearLeftovers();
    return this.#chaos.healLeftovers();
  }

  /** Resolves when every named process says it is ready; rejects with UserError when one keeps failing. */
  async waitUntilReady(
    signal: AbortSignal,
    onReady: (name: ProcessName) => void = () => {},
    names: readonly ProcessName[] = PROCESS_NAMES,
  ): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        await this.#waitForOne(name, signal);
        onReady(name);
      }),
    );
  }

  async #waitForOne(name: ProcessName, signal: AbortSignal): Promise<void> {
    const { clock, dir } = this.#options;
    const deadlineMs = clock.monotonicMs() + START_TIMEOUT_MS;
    for (;;) {
      const child = this.#children.get(name);
      const health = await this.#health(name);
      if (health.ready) return;
      if (!health.answered && child) child.endIfSilentFor(SILENT_START_MS);
      if ((child?.restarts ?? 0) >= GIVE_UP_RESTARTS || clock.monotonicMs() > deadlineMs) {
        throw new UserError(
          `${name} does not get ready: ${child?.lastExit ?? health.reason ?? "no answer"}; its log is ${dir.log(name)}`,
        );
      }
      await clock.sleep(POLL_MS, signal);
    }
  }

  async #health(name: InstanceName): Promise<Health> {
    const socket = adminSocket(this.#options.cluster, name);
    // While processes start they are asked a hundred times a second; a call that must fail costs more than a look.
    if (!existsSync(socket)) return { ready: false, reason: "no answer", answered: false };
    const patience = new AbortController();
    const timer = this.#options.clock.setTimer(HEALTH_TIMEOUT_MS, () => patience.abort());
    try {
      const health = await adminCall(socket, "GET", "/health", undefined, patience.signal);
      return { ...(health as { ready: boolean; port?: number }), answered: true };
    } catch (err) {
      if (err instanceof AdminError) return { ready: false, reason: err.message, answered: err.status !== 0 };
      if (patience.signal.aborted) return { ready: false, reason: "no answer in time", answered: false };
      throw err;
    } finally {
      timer.cancel();
    }
  }

  /** From now on its status says that nothing more is to come: `up --wait` returns. */
  markComplete(): void {
    this.#complete = true;
  }

  async status(): Promise<ClusterStatus> {
    const { dir, cluster } = this.#options;
    const processes = await Promise.all(
      [...this.#children.values()].map(async (child): Promise<ProcessStatus> => {
        const health = child.pid
          ? await this.#health(child.name as ProcessName)
          : { ready: false, reason: child.lastExit };
        return {
          name: child.name,
          pid: child.pid ?? null,
          ready: health.ready,
          restarts: child.restarts,
          ...(health.reason ? { reason: health.reason } : {}),
        };
      }),
    );
    return {
      name: cluster.name,
      dataDir: dir.path,
      kubeconfig: dir.kubeconfig,
      server: `https://127.0.0.1:${cluster.apiPort}`,
      nodes: cluster.nodes,
      supervisor: ownPid(),
      processes,
      complete: this.#complete,
      hostPorts: await this.#hostPorts(),
    };
  }

  async #hostPorts(): Promise<HostPort[]> {
    try {
      const answer = await adminCall(adminSocket(this.#options.cluster, "dataplane"), "GET", "/host-ports");
      return Array.isArray(answer) ? (answer as HostPort[]) : [];
    } catch (err) {
      if (err instanceof AdminError) return [];
      throw err;
    }
  }

  /** Stops in the reverse order of start; the API server last, so that the others can say goodbye. */
  async stop(): Promise<void> {
    if (!this.#claimed) return;
    const { cluster } = this.#options;
    await this.#chaos.stop();
    const [first, ...others] = PROCESS_NAMES;
    await Promise.all(others.map(async (name) => this.#children.get(name)?.stop(STOP_GRACE_MS)));
    await this.#children.get(first)?.stop(STOP_GRACE_MS);
    await this.#admin?.close();
    // A process that had to be killed has not removed its own.
    for (const name of [...PROCESS_NAMES, ...DUPLICATES])
      for (const socket of [adminSocket(cluster, name), carrierSocket(cluster, name)])
        rmSync(socket, { force: true });
    rmSync(adminSocket(cluster, "supervisor"), { force: true });
    rmSync(pidFile(cluster, "supervisor"), { force: true });
  }
}

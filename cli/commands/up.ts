import { whenAborted } from "../../machinery/api/when-aborted.js";
import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseZoneFile } from "../../machinery/dns/zone-file.js";
import { AdminError, adminCall } from "../../machinery/runtime/admin-server.js";
import { jsonLogger } from "../../machinery/runtime/json-logger.js";
import type { CliCommand, CliContext } from "../command.js";
import { applyFiles, INGRESS_MANIFEST } from "../supervisor/addons.js";
import { ClusterDir, defaultDataDir, UserError } from "../supervisor/cluster.js";
import { prepareCluster } from "../supervisor/prepare.js";
import { adminSocket, type LaunchOptions } from "../supervisor/processes.js";
import { type ClusterStatus, Supervisor } from "../supervisor/supervisor.js";

export interface UpOptions {
  name: string;
  dataDir?: string;
  nodes?: number;
  zones?: number;
  apiPort?: number;
  detach: boolean;
  wait: boolean;
  filename: string[];
  durability?: "full" | "relaxed";
  history?: string;
  seed?: string;
  logLevel?: string;
  proxyMode?: string;
  podCidr?: string;
  ipReuse?: string;
  hostNodes?: number;
  cloud?: boolean;
  dnsUpstream?: string;
  chaos?: boolean;
  /** Applies the Ingress controller too. */
  ingress?: boolean;
  /** Restarts are told elsewhere: the supervisor logs errors only. */
  quiet?: boolean;
}

export const upCommand: CliCommand = {
  async run(args, context) {
    const options = parseUp(args);
    if (!options) return 0;
    if (options.detach) return detach(args, options, context);
    await runCluster(options, context, async (status) => {
      context.stdout.write(`Cluster "${status.name}" is up: export KUBECONFIG=${status.kubeconfig}\n`);
    });
    return 0;
  },
};

/** Throws UserError (exit code 2) on wrong usage; undefined when only help was asked. */
export function parseUp(
  args: readonly string[],
  verb = "up",
  description = "Starts a cluster and stays in the foreground (or not, with --detach).",
): UpOptions | undefined {
  const command = new Command(`kubesim ${verb}`)
    .description(description)
    .option("--name <name>", "which cluster", "default")
    .option("--data-dir <dir>", "where its database, keys and logs are (default ~/.kubesim/<name>)")
    .option("--nodes <count>", "number of nodes (default 3, or what it had)", integerFrom(0, 8192))
    .option(
      "--zones <count>",
      "spread the nodes over zones zone-a, zone-b… (default: none, or what it had)",
      integerFrom(0, 26),
    )
    .option(
      "--api-port <port>",
      "port of the API server on 127.0.0.1; 0 picks a free one",
      integerFrom(0, 65535),
    )
    .option("--detach", "return once it is started, leaving it in the background", false)
    .option("--wait", "with --detach: return once it is ready and the manifests are applied", false)
    .option("-f, --filename <manifest...>", "apply these files or folders once it is ready", [])
    .option(
      "--durability <level>",
      "full: every acknowledged write is on disk; relaxed: for throwaway clusters",
    )
    .option("--history <duration>", "how long old revisions are kept, e.g. 1h")
    .option("--seed <text>", "seed of every random choice")
    .option("--proxy-mode <mode>", "how Services choose a backend")
    .option(
      "--pod-cidr <cidrs>",
      "ranges that nodes' pod CIDRs are cut from (default: as the node count asks)",
    )
    .option(
      "--ip-reuse <policy>",
      "when a pod's address is given to another: delayed, immediate or adversarial",
    )
    .option(
      "--host-nodes <count>",
      "how many nodes also listen on an address of their own, 127.C.0.n (default 16)",
      integerFrom(0, 250),
    )
    .option("--cloud", "give Services of type LoadBalancer an address of this machine")
    .option("--chaos", "let scenarios break the processes and their links")
    .option("--ingress", "with an Ingress controller (manifests/addons/ingress-nginx.yaml)")
    .option(
      "--dns-upstream <file>",
      "names outside of the cluster: lines of a hosts or zone file (default: none exists)",
      existingZoneFile,
    )
    .option("--log-level <level>", "least severe record to log")
    .exitOverride();
  try {
    command.parse([...args], { from: "user" });
  } catch (err) {
    if (err instanceof CommanderError && err.exitCode === 0) return undefined;
    throw new UserError((err as Error).message.replace(/^error: /, ""), 2);
  }
  return command.opts<UpOptions>();
}

/** The file's absolute path, once it has been read without a mistake. */
function existingZoneFile(path: string): string {
  try {
    parseZoneFile(readFileSync(path, "utf8"));
    return resolve(path);
  } catch (err) {
    throw new InvalidArgumentError(err instanceof Error ? err.message : String(err));
  }
}

const integerFrom =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`must be an integer between ${min} and ${max}.`);
    }
    return value;
  };

/** Runs a cluster until the signal aborts. `onUp` runs once everything is ready and applied. */
export async function runCluster(
  options: UpOptions,
  context: CliContext,
  onUp: (status: ClusterStatus) => Promise<void>,
  onProgress: (step: string) => void = () => {},
): Promise<void> {
  const dir = new ClusterDir(options.dataDir ?? defaultDataDir(options.name));
  const cluster = await prepareCluster(dir, options);
  const logger = jsonLogger(
    { component: "supervisor" },
    options.quiet ? "error" : (options.logLevel ?? "warn"),
  );
  const launch: LaunchOptions = {
    ...(options.durability ? { durability: options.durability } : {}),
    ...(options.history ? { history: options.history } : {}),
    ...(options.seed ? { seed: options.seed } : {}),
    ...(options.logLevel ? { logLevel: options.logLevel } : {}),
    ...(options.proxyMode ? { proxyMode: options.proxyMode } : {}),
    ...(options.cloud ? { cloud: true } : {}),
    ...(options.dnsUpstream ? { dnsUpstream: options.dnsUpstream } : {}),
    ...(options.chaos ? { chaos: true } : {}),
    ...(options.podCidr ? { podCidr: options.podCidr } : {}),
    ...(options.ipReuse ? { ipReuse: options.ipReuse } : {}),
    ...(options.hostNodes === undefined ? {} : { hostNodes: options.hostNodes }),
  };
  const supervisor = new Supervisor({ dir, cluster, launch, clock: context.clock, logger });
  try {
    await supervisor.start();
    const ready = supervisor.waitUntilReady(context.signal, (name) => onProgress(`${name} is ready`));
    const applied = supervisor.waitUntilReady(context.signal, undefined, ["apiserver"]).then(async () => {
      const healed = await supervisor.healLeftovers();
      if (healed > 0) onProgress(`healed ${healed} faults that were left from the last run`);
      const files = [...(options.ingress ? [INGRESS_MANIFEST] : []), ...options.filename];
      await applyFiles(dir, files, context, onProgress);
    });
    await Promise.all([ready, applied]);
    supervisor.markComplete();
    await onUp(await supervisor.status());
    await whenAborted(context.signal);
  } catch (err) {
    if (!context.signal.aborted) throw err;
  } finally {
    await supervisor.stop();
  }
}

const POLL_MS = 20;

/** Starts the same command in the background and waits until its supervisor answers (with --wait, until all is ready). */
async function detach(args: readonly string[], options: UpOptions, context: CliContext): Promise<number> {
  const dir = new ClusterDir(options.dataDir ?? defaultDataDir(options.name));
  // Checks what can be checked before anything is started, so that the error is seen here.
  await prepareCluster(dir, options);
  const logFile = dir.log("supervisor");
  const log = openSync(logFile, "a", 0o600);
  const logStart = fstatSync(log).size;
  const rest = args.filter((arg) => arg !== "--detach" && arg !== "--wait");
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "up", ...rest], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let ended: number | undefined;
  child.once("exit", (code) => (ended = code ?? 1));
  child.unref();
  for (;;) {
    if (ended !== undefined)
      throw new UserError(
        `the cluster did not start; its log is ${logFile}\n${endOf(logFile, logStart)}`.trimEnd(),
      );
    const status = await currentStatus(dir);
    if (status && status.supervisor === child.pid && (!options.wait || status.complete)) {
      context.stdout.write(`Cluster "${status.name}" is up: export KUBECONFIG=${status.kubeconfig}\n`);
      return 0;
    }
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

const MOST_LOG_BYTES = 2000;

/** What was written to a log after `from`, or the end of it. */
const endOf = (file: string, from: number): string =>
  readFileSync(file).subarray(from).subarray(-MOST_LOG_BYTES).toString("utf8");

/** What the running supervisor of this data directory says; undefined when none answers. */
export async function currentStatus(dir: ClusterDir): Promise<ClusterStatus | undefined> {
  const cluster = dir.read();
  if (!cluster) return undefined;
  try {
    return (await adminCall(adminSocket(cluster, "supervisor"), "GET", "/status")) as ClusterStatus;
  } catch (err) {
    if (err instanceof AdminError) return undefined;
    throw err;
  }
}

import { createHash } from "node:crypto";
import { RestClient } from "../../../machinery/client/rest-client.js";
import { SharedInformers } from "../../../machinery/client/shared-informers.js";
import { CorefileError } from "../../../machinery/dns/corefile.js";
import { informerView, type ProgrammedChange } from "../../../machinery/dns/informer-view.js";
import { ZoneFileError } from "../../../machinery/dns/zone-file.js";
import type { Image } from "../image.js";
import type { Process } from "../process.js";
import { DnsFaults } from "./dns-faults.js";
import { CorednsInstance, type InstanceSeams } from "./instance.js";
import { CorednsMetrics } from "./metrics.js";
import { parseServers, type ServerConfig, WITHOUT_COREFILE } from "./server-config.js";

/** The program with what faults do to its answers. */
export const corednsImage = (faults = new DnsFaults()): Image => ({
  repositories: [
    "registry.k8s.io/coredns/coredns",
    "docker.io/coredns/coredns",
    "k8s.gcr.io/coredns/coredns",
  ],
  sizeBytes: 20_939_036,
  entrypoint: ["/coredns"],
  cmd: [],
  env: (tag) => ({ COREDNS_VERSION: tag.replace(/^v/, "") }),
  programs: { "/coredns": (process) => runCoredns(process, faults) },
});

const USUAL_PATH = "Corefile";
const SYNC_WAIT_MS = 5000;
const POLL_MS = 5;
const NO_TOKEN =
  "plugin/kubernetes: unable to load in-cluster configuration: open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory";

/** Wrong configuration: printed without more, exit code 1. */
class StartError extends Error {
  override readonly name = "StartError";
}

async function runCoredns(process: Process, faults: DnsFaults): Promise<number> {
  try {
    const configs = readCorefile(process);
    return await new Coredns(process, configs, faults).run();
  } catch (err) {
    if (!isStartError(err)) throw err;
    await process.stderr.write(`${err.message}\n`);
    return 1;
  }
}

const isStartError = (err: unknown): err is Error =>
  err instanceof StartError || err instanceof CorefileError || err instanceof ZoneFileError;

function corefilePath(process: Process): { path: string; isNamed: boolean } {
  const at = process.argv.indexOf("-conf");
  const named = at < 0 ? undefined : process.argv[at + 1];
  return { path: named ?? USUAL_PATH, isNamed: named !== undefined };
}

function corefileText(process: Process): string | undefined {
  const absolute = process.path(corefilePath(process).path);
  return process.files.stat(absolute)?.kind === "file" ? process.files.readText(absolute) : undefined;
}

/** Throws StartError, CorefileError, ZoneFileError. */
function readCorefile(process: Process): ServerConfig[] {
  const { path, isNamed } = corefilePath(process);
  const text = corefileText(process);
  if (text === undefined) {
    if (isNamed) throw new StartError(`loading Caddyfile via flag: open ${path}: no such file or directory`);
    return [WITHOUT_COREFILE];
  }
  return parseServers(text, path, fileReader(process), process.environment);
}

const fileReader =
  (process: Process) =>
  (path: string): string =>
    process.files.stat(process.path(path)) ? process.files.readText(process.path(path)) : "";

/** The program: one view of the cluster, and the servers of the Corefile as it is now. */
class Coredns {
  readonly #process: Process;
  readonly #metrics: CorednsMetrics;
  readonly #seams: InstanceSeams;
  readonly #informers: SharedInformers | undefined;
  readonly #watchesPods: boolean;
  #instance: CorednsInstance;
  #changedAtMs: number;
  #resolveExit: (code: number) => void = () => {};

  constructor(process: Process, configs: readonly ServerConfig[], faults: DnsFaults) {
    const { clock, rng } = process;
    this.#process = process;
    this.#changedAtMs = clock.nowMs();
    const version = process.environment.get("COREDNS_VERSION") ?? "1.13.1";
    this.#metrics = new CorednsMetrics(version, (kind) => this.#instance.cacheEntries(kind));
    this.#watchesPods = configs.some(({ kubernetes }) => kubernetes?.pods === "verified");
    this.#informers = configs.some(({ kubernetes }) => kubernetes) ? this.#connect() : undefined;
    const changed = (change: ProgrammedChange): void => this.#programmed(change);
    this.#seams = {
      process,
      faults,
      clock,
      rng,
      readFile: fileReader(process),
      query: (name, type, server) => process.resolver.query(name, type, server),
      view: this.#informers && informerView(this.#informers, { watchPods: this.#watchesPods, changed }),
      serial: () => Math.floor(this.#changedAtMs / 1000),
      localIPs: process.network.ips,
      metrics: this.#metrics,
      onLoop: (zone) => process.background(() => this.#endLoop(zone)),
    };
    this.#instance = new CorednsInstance(configs, this.#seams);
  }

  async run(): Promise<number> {
    const { stdout, environment, signal } = this.#process;
    const informers = this.#informers;
    if (informers) {
      this.#process.background(() => informers.run(signal));
      await this.#waitForSync();
    }
    const exited = new Promise<number>((resolve) => {
      this.#resolveExit = resolve;
    });
    this.#instance.start();
    const addresses = this.#instance.configs.flatMap(({ zones, port }) =>
      zones.map((zone) => `${zone}.:${port}`),
    );
    const ignored = this.#instance.configs.flatMap(({ notEmulated }) => notEmulated);
    const version = environment.get("COREDNS_VERSION") ?? "1.13.1";
    await stdout.write(
      [
        ...addresses,
        ...ignored.map((name) => `[WARNING] plugin/${name}: not emulated, without effect`),
        ...(this.#reloadMs() === undefined ? [] : [runningConfiguration(corefileText(this.#process) ?? "")]),
        `CoreDNS-${version}`,
        "linux/amd64, go1.25.2, 1db4568",
        "",
      ].join("\n"),
    );
    this.#process.background(() => this.#reloadForever());
    this.#process.onSignal("SIGTERM", () => this.#process.background(() => this.#shutDown("SIGTERM")));
    this.#process.onSignal("SIGINT", () => this.#process.background(() => this.#shutDown("SIGINT")));
    return exited;
  }

  /** Throws StartError without a ServiceAccount's token. */
  #connect(): SharedInformers {
    const transport = this.#process.api();
    if (!transport) throw new StartError(NO_TOKEN);
    const { clock, rng, logger } = this.#process;
    const client = new RestClient({ transport, clock, userAgent: "coredns" });
    return new SharedInformers({ client, clock, rng: rng.fork("informers"), logger });
  }

  async #waitForSync(): Promise<void> {
    const { clock, stdout } = this.#process;
    await stdout.write("[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server\n");
    const deadlineMs = clock.monotonicMs() + SYNC_WAIT_MS;
    while (!this.#seams.view?.hasSynced() && clock.monotonicMs() < deadlineMs)
      await this.#process.sleep(POLL_MS);
    if (!this.#seams.view?.hasSynced())
      await stdout.write("[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API\n");
  }

  #programmed(change: ProgrammedChange): void {
    this.#changedAtMs = this.#process.clock.nowMs();
    const triggeredAtMs = Date.parse(change.triggeredAt ?? "");
    if (!Number.isFinite(triggeredAtMs)) return;
    this.#metrics.programmed(change, Math.max(0, this.#changedAtMs - triggeredAtMs) / 1000);
  }

  #reloadMs(): number | undefined {
    return this.#instance.configs.map(({ reloadMs }) => reloadMs).find((ms) => ms !== undefined);
  }

  // Upstream: coredns plugin/reload.
  /** Looks at the Corefile now and then; a wrong one is told and not taken. */
  async #reloadForever(): Promise<void> {
    let text = corefileText(this.#process);
    for (let intervalMs = this.#reloadMs(); intervalMs !== undefined; intervalMs = this.#reloadMs()) {
      await this.#process.sleep(intervalMs);
      const now = corefileText(this.#process);
      if (now === undefined || now === text) continue;
      text = now;
      await this.#reload(now);
    }
  }

  async #reload(text: string): Promise<void> {
    const { stdout } = this.#process;
    await stdout.write("[INFO] Reloading\n");
    const before = this.#instance;
    try {
      const configs = readCorefile(this.#process);
      this.#checkView(configs);
      const next = new CorednsInstance(configs, this.#seams);
      before.stop();
      this.#instance = next;
      next.start();
      await stdout.write(`${runningConfiguration(text)}\n[INFO] Reloading complete\n`);
    } catch (err) {
      if (!isStartError(err)) throw err;
      this.#metrics.reloadFailed();
      await stdout.write(`[ERROR] plugin/reload: Corefile changed but reload failed: ${err.message}\n`);
    }
  }

  /** What is watched is settled at the start. Throws StartError. */
  #checkView(configs: readonly ServerConfig[]): void {
    const wantsView = configs.some(({ kubernetes }) => kubernetes);
    const wantsPods = configs.some(({ kubernetes }) => kubernetes?.pods === "verified");
    if ((wantsView && !this.#informers) || (wantsPods && !this.#watchesPods))
      throw new StartError("this change of plugin/kubernetes needs a restart of the pod");
  }

  async #endLoop(zone: string): Promise<void> {
    await this.#process.stdout.write(
      `[FATAL] plugin/loop: Loop (127.0.0.1:53 -> :53) detected for zone "${zone}", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO"\n`,
    );
    this.#resolveExit(1);
  }

  async #shutDown(signal: string): Promise<void> {
    const { stdout } = this.#process;
    await stdout.write(`[INFO] ${signal}: Shutting down servers then terminating\n`);
    const lameduckMs = Math.max(0, ...this.#instance.configs.map((config) => config.lameduckMs));
    if (lameduckMs > 0) {
      await stdout.write(`[INFO] plugin/health: Going into lameduck mode for ${lameduckMs / 1000}s\n`);
      await this.#process.sleep(lameduckMs);
    }
    this.#instance.stop();
    this.#resolveExit(0);
  }
}

const runningConfiguration = (text: string): string =>
  `[INFO] plugin/reload: Running configuration SHA512 = ${createHash("sha512").update(text).digest("hex")}`;

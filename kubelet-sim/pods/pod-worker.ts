import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";
import type { Sandbox } from "../container-runtime.js";
import { PodVolumes } from "../volumes/pod-volumes.js";
import { tokenRefreshMs } from "../volumes/service-account-tokens.js";
import { MountError } from "../volumes/volume-files.js";
import { allContainers, type StartContext } from "./container-starter.js";
import type { Rejection } from "./admission.js";
import type { ContainerRecord } from "./container-record.js";
import type { DownwardContext } from "./field-ref.js";
import { hostPortMappings } from "./host-ports.js";
import type { NodeContext } from "./node-context.js";
import { KUBELET_CONDITIONS } from "./pod-conditions.js";
import { PodContainers } from "./pod-containers.js";
import { podStatus } from "./pod-status.js";
import { podDns } from "./resolv-conf.js";
import { Wakeup } from "./wakeup.js";

const FIRST_MOUNT_RETRY_MS = 500;
const LONGEST_MOUNT_RETRY_MS = 122_000;
const SANDBOX_RETRY_MS = 5_000;
/** Made once: an abort without a reason makes an exception with a stack each time. */
const ENDING = new Error("the pod is ending");

/**
 * The life of one pod on one node: sandbox, containers, status, end. One loop (`run`); everything else only leaves a
 * note and wakes it.
 */
export class PodWorker {
  readonly containers: PodContainers;
  readonly #node: NodeContext;
  readonly #volumes: PodVolumes;
  readonly #startTimeMs: number;
  #pod: Pod;
  #sandbox: Sandbox | undefined;
  #podIPs: readonly string[] = [];
  #status: PodStatus | undefined;
  #removed = false;
  #stopped = false;
  #failure: Rejection | undefined;
  #mountRetryMs = FIRST_MOUNT_RETRY_MS;
  #refreshVolumes = false;
  #volumesAtMs = 0;
  #graceMs: number | undefined;
  readonly #wakeup: Wakeup;
  /** Aborted when the pod is to end: whatever is being started is not waited for. */
  readonly #ending = new AbortController();

  /** `rejection` fails the pod before anything of it is started. */
  constructor(node: NodeContext, pod: Pod, rejection?: Rejection) {
    this.#node = node;
    this.#pod = pod;
    this.#startTimeMs = node.clock.nowMs();
    this.#wakeup = new Wakeup(node.clock);
    this.#volumes = new PodVolumes(node.hostPaths);
    this.containers = new PodContainers({ node, pod: () => this.#pod, onChange: () => this.#changed() });
    if (isTerminal(pod.status)) this.#podIPs = ipsOf(pod.status);
    if (rejection) this.#fail("Warning", rejection);
    this.#checkEnding();
  }

  get pod(): Pod {
    return this.#status ? { ...this.#pod, status: this.#status } : this.#pod;
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox;
  }

  find(name: string): ContainerRecord | undefined {
    return this.containers.all.find(({ spec }) => spec.name === name);
  }

  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (hasDownwardVolume(pod) && downwardText(before) !== downwardText(pod)) this.#refreshVolumes = true;
    const debugged = this.containers.addEphemeral(pod);
    if (this.#checkEnding() || debugged || this.#refreshVolumes || foreignConditionsChanged(before, pod))
      this.#changed();
  }

  /** The object is gone from the API. */
  removed(): void {
    this.#removed = true;
    this.#checkEnding();
    this.#changed();
  }

  /** A ConfigMap or Secret that this pod reads has changed. */
  configChanged(): void {
    this.#refreshVolumes = true;
    this.#mountRetryMs = FIRST_MOUNT_RETRY_MS;
    this.#wakeup.notify();
  }

  /** The sandbox dies under the pod, as when its pause container is killed; the next look finds it so. */
  async killSandbox(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    await this.#sandbox?.remove();
    this.#wakeup.notify();
  }

  /** Until the pod is gone from the node. Aborting leaves everything as it is, as a crash does. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => {
      this.containers.abandon();
      this.#ending.abort(ENDING);
      this.#wakeup.notify();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#live(signal);
      if (!signal.aborted) await this.#end(signal);
      if (!signal.aborted) await this.#leave(signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #live(signal: AbortSignal): Promise<void> {
    if (this.containers.sandboxLost && !this.#ending.signal.aborted) this.#announceSandboxChange();
    this.#publish();
    while (!signal.aborted && !this.#isOver()) {
      const waitMs = await this.#sync();
      if (signal.aborted) return;
      this.#checkDeadline();
      this.#publish();
      await this.#wakeup.wait(this.#untilDeadline(waitMs));
    }
  }

  #isOver(): boolean {
    return this.#ending.signal.aborted || this.containers.isCompleted || isTerminal(this.#pod.status);
  }

  /** One pass; resolves with the milliseconds until the next one is due. */
  async #sync(): Promise<number | undefined> {
    if (this.#sandbox?.isLive === false) await this.#sandboxChanged();
    try {
      if (this.#volumesDue()) await this.#setUpVolumes();
    } catch (err) {
      if (!(err instanceof MountError)) throw err;
      return this.#mountFailed(err);
    }
    if (this.#ending.signal.aborted) return undefined;
    if (!this.#sandbox && !(await this.#runSandbox())) return SANDBOX_RETRY_MS;
    if (!this.#sandbox || this.#ending.signal.aborted) return undefined;
    const retryInMs = await this.containers.startDue(this.#startContext(this.#sandbox), this.#ending.signal);
    const refreshInMs = tokenRefreshMs(this.#pod);
    return refreshInMs === undefined ? retryInMs : Math.min(retryInMs ?? refreshInMs, refreshInMs);
  }

  // Upstream: pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod, podActions.KillPod.
  async #sandboxChanged(): Promise<void> {
    this.#announceSandboxChange();
    this.#node.hostPorts.remove(this.#pod.metadata.uid);
    await this.containers.sandboxGone();
    this.#sandbox = undefined;
    this.#publish();
  }

  #announceSandboxChange(): void {
    this.#event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }

  async #runSandbox(): Promise<boolean> {
    try {
      this.#sandbox = await this.#node.runtime.runSandbox(this.#sandboxConfig());
      this.#podIPs = this.#sandbox.ips;
      this.#node.hostPorts.set(this.#pod.metadata.uid, hostPortMappings(this.#pod, this.#podIPs));
      return true;
    } catch (err) {
      const message = err instanceof Error ? err.message : String(err);
      this.#event("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
      return false;
    }
  }

  #volumesDue(): boolean {
    if (!this.#sandbox || this.#refreshVolumes) return true;
    const refreshInMs = tokenRefreshMs(this.#pod);
    return refreshInMs !== undefined && this.#node.clock.monotonicMs() - this.#volumesAtMs >= refreshInMs;
  }

  async #setUpVolumes(): Promise<void> {
    this.#refreshVolumes = false;
    this.#volumesAtMs = this.#node.clock.monotonicMs();
    await this.#volumes.setUp(this.#pod, {
      config: this.#node.config,
      tokens: this.#node.tokens.for(this.#pod),
      downward: this.#downward(),
    });
  }

  #mountFailed(err: MountError): number {
    this.#event("Warning", "FailedMount", err.message);
    const retryInMs = this.#mountRetryMs;
    this.#mountRetryMs = Math.min(retryInMs * 2, LONGEST_MOUNT_RETRY_MS);
    return retryInMs;
  }

  async #end(signal: AbortSignal): Promise<void> {
    this.#ending.abort(ENDING);
    const graceMs = this.#effectiveGraceMs();
    this.#graceMs = graceMs;
    await this.containers.stopAll(graceMs);
    if (signal.aborted) return;
    this.containers.abandon();
    const forced = this.#pod.metadata.deletionTimestamp !== undefined || this.#removed;
    if (forced && !isTerminal(this.#pod.status)) this.containers.concludeUnknown(this.#node.clock.nowMs());
    this.#stopped = forced || this.#failure !== undefined;
    this.#publish();
    await this.#node.statuses.flush(this.#pod.metadata.uid);
    await this.#sandbox?.remove();
    this.#node.hostPorts.remove(this.#pod.metadata.uid);
    if (!this.#stopped) this.#publish();
  }

  async #leave(signal: AbortSignal): Promise<void> {
    while (!this.#pod.metadata.deletionTimestamp && !this.#removed) {
      await this.#wakeup.wait(undefined);
      if (signal.aborted) return;
    }
    if (this.#removed) this.#node.statuses.forget(this.#pod.metadata.uid);
    else await this.#node.statuses.finish(this.#pod);
    this.#node.puller.forgetPod(this.#pod.metadata.uid, allContainers(this.#pod));
    this.#node.tokens.forget(this.#pod.metadata.uid);
    for (const { name } of allContainers(this.#pod))
      this.#node.crashBackOff.forget(`${this.#pod.metadata.uid}_${name}`);
  }

  /** True when the pod has just been told to end, or to end sooner. */
  #checkEnding(): boolean {
    const ends = this.#removed || this.#pod.metadata.deletionTimestamp !== undefined;
    if (!ends) return false;
    if (!this.#ending.signal.aborted) {
      this.#noteReadiness(false);
      this.#ending.abort(ENDING);
      return true;
    }
    const graceMs = this.#effectiveGraceMs();
    if (this.#graceMs === undefined || graceMs >= this.#graceMs) return false;
    this.#graceMs = graceMs;
    this.containers.hurry(graceMs);
    return true;
  }

  #effectiveGraceMs(): number {
    const { deletionGracePeriodSeconds } = this.#pod.metadata;
    const seconds = deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
    return Math.max(0, seconds) * 1000;
  }

  #checkDeadline(): void {
    if (this.#untilDeadline(undefined) !== 0) return;
    const message = "Pod was active on the node longer than the specified deadline";
    this.#fail("Normal", { reason: "DeadlineExceeded", message });
  }

  #fail(type: "Normal" | "Warning", failure: Rejection): void {
    this.#failure = failure;
    this.#event(type, failure.reason, failure.message);
    this.#ending.abort(ENDING);
  }

  #untilDeadline(waitMs: number | undefined): number | undefined {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return waitMs;
    const startedMs = this.#pod.status.startTime ? Date.parse(this.#pod.status.startTime) : this.#startTimeMs;
    const leftMs = Math.max(0, startedMs + seconds * 1000 - this.#node.clock.nowMs());
    return Math.min(waitMs ?? leftMs, leftMs);
  }

  #publish(): void {
    if (isTerminal(this.#pod.status) || this.#removed || this.#node.stopped.aborted) return;
    const status = podStatus({
      pod: { ...this.#pod, status: { ...this.#pod.status, conditions: this.#knownConditions() } },
      init: this.containers.init,
      main: this.containers.main,
      ephemeral: this.containers.ephemeral,
      hostIPs: this.#node.hostIPs,
      podIPs: this.#podIPs,
      sandboxReady: this.#sandbox !== undefined && !this.#stopped,
      startTimeMs: this.#startTimeMs,
      nowMs: this.#node.clock.nowMs(),
      stopped: this.#stopped,
      ...(this.#failure ? { failure: this.#failure } : {}),
    });
    this.#status = status;
    const ready = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
    // A pod that is being deleted no longer counts for Services, whatever its condition says.
    this.#noteReadiness(ready === true && !this.#pod.metadata.deletionTimestamp);
    this.#node.statuses.set(this.#pod, status);
  }

  #noteReadiness(ready: boolean): void {
    this.#node.readiness.note(`${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`, ready);
  }

  /** The kubelet's conditions as it last computed them, those of others as the API has them. */
  #knownConditions(): NonNullable<PodStatus["conditions"]> {
    const stored = this.#pod.status.conditions ?? [];
    if (!this.#status) return stored;
    const own = (this.#status.conditions ?? []).filter(({ type }) => isOwn(type));
    return [...own, ...stored.filter(({ type }) => !isOwn(type))];
  }

  #sandboxConfig() {
    const { metadata, spec } = this.#pod;
    const dns = podDns(this.#pod, this.#node.dns);
    for (const warning of dns.warnings) this.#node.event(this.#pod, "Warning", "DNSConfigForming", warning);
    return {
      podUid: metadata.uid,
      namespace: metadata.namespace ?? "",
      name: metadata.name,
      hostname: spec.hostNetwork ? this.#node.nodeName : (spec.hostname ?? metadata.name.slice(0, 63)),
      hostNetwork: spec.hostNetwork ?? false,
      resolvConf: dns.text,
      hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames: hostnames ?? [] })),
    };
  }

  #startContext(sandbox: Sandbox): StartContext {
    return {
      node: this.#node,
      pod: this.#pod,
      sandbox,
      volumes: this.#volumes,
      downward: this.#downward(),
    };
  }

  #downward(): DownwardContext {
    const { nodeName, hostIPs, allocatable } = this.#node;
    return { pod: this.#pod, nodeName, hostIPs, podIPs: this.#podIPs, allocatable };
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#node.event(this.#pod, type, reason, message);
  }

  #changed(): void {
    if (this.#ending.signal.aborted && !this.#stopped) this.#publish();
    this.#wakeup.notify();
  }
}

const isOwn = (type: string): boolean => (KUBELET_CONDITIONS as readonly string[]).includes(type);

export const isTerminal = (status: PodStatus): boolean =>
  status.phase === "Succeeded" || status.phase === "Failed";

const ipsOf = ({ podIPs, podIP }: PodStatus): string[] =>
  podIPs?.map(({ ip }) => ip) ?? (podIP ? [podIP] : []);

const hasDownwardVolume = (pod: Pod): boolean =>
  (pod.spec.volumes ?? []).some(
    ({ downwardAPI, projected }) => downwardAPI ?? projected?.sources?.some((source) => source.downwardAPI),
  );

const downwardText = ({ metadata }: Pod): string =>
  JSON.stringify([metadata.labels ?? {}, metadata.annotations ?? {}]);

const foreignConditionsChanged = (before: Pod, after: Pod): boolean => {
  const foreign = ({ status }: Pod): string =>
    JSON.stringify((status.conditions ?? []).filter(({ type }) => !isOwn(type)));
  return foreign(before) !== foreign(after) || before.metadata.generation !== after.metadata.generation;
};

import type { Pod, Probe } from "../../machinery/api/core-v1.js";
import type { Container as RuntimeContainer, ExitStatus, Sandbox } from "../container-runtime.js";
import { ContainerProbes } from "../probes/container-probes.js";
import { planPod } from "./container-plan.js";
import { type ContainerRecord, newContainerRecord } from "./container-record.js";
import { recoverContainers } from "./container-recovery.js";
import { type StartContext, startContainer } from "./container-starter.js";
import { hookTarget, stopContainer } from "./container-stopper.js";
import { runHook } from "./lifecycle-hooks.js";
import type { NodeContext } from "./node-context.js";
import { withTerminationMessage } from "./termination-message.js";

export interface PodContainersOptions {
  node: NodeContext;
  pod: () => Pod;
  /** A record changed: report it and look at the pod again. */
  onChange: () => void;
}

const HURRY = new Error("the grace period became shorter");

/** The containers of one pod: starts, watches and stops them. Decides nothing about the pod as a whole. */
export class PodContainers {
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  /** What `kubectl debug` added, in its order. */
  readonly ephemeral: ContainerRecord[];
  readonly sandboxLost: boolean;
  readonly #options: PodContainersOptions;
  readonly #probes = new Map<ContainerRecord, ContainerProbes>();
  readonly #hurry = new AbortController();
  #sandbox: Sandbox | undefined;
  #stopping = false;

  constructor(options: PodContainersOptions) {
    this.#options = options;
    const recovered = recoverContainers(options.pod(), options.node.clock.nowMs());
    this.init = recovered.init;
    this.main = recovered.main;
    this.ephemeral = recovered.ephemeral;
    this.sandboxLost = recovered.sandboxLost;
  }

  get all(): ContainerRecord[] {
    return [...this.init, ...this.main, ...this.ephemeral];
  }

  /** Takes note of debug containers that the pod's spec has gained; true when there are any. */
  addEphemeral(pod: Pod): boolean {
    const specs = pod.spec.ephemeralContainers ?? [];
    const added = specs.slice(this.ephemeral.length);
    this.ephemeral.push(...added.map((spec) => newContainerRecord(spec, "ephemeral")));
    return added.length > 0;
  }

  get isCompleted(): boolean {
    return this.#plan().completed;
  }

  /** Starts whatever should run now. Resolves with the milliseconds after which it is worth trying again. */
  async startDue(context: StartContext, signal: AbortSignal): Promise<number | undefined> {
    this.#sandbox = context.sandbox;
    const tried = new Set<ContainerRecord>();
    let retryInMs: number | undefined;
    for (;;) {
      const next = this.#plan().start.find((record) => !tried.has(record));
      if (!next || signal.aborted) return retryInMs;
      tried.add(next);
      const outcome = await startContainer(next, context);
      if (outcome.kind === "started") await this.#started(next, context, signal);
      else retryInMs = Math.min(retryInMs ?? Number.POSITIVE_INFINITY, outcome.retryInMs);
    }
  }

  /** Everything ended with the sandbox; init containers have their part to do again in the next one. */
  async sandboxGone(): Promise<void> {
    await Promise.all(this.all.flatMap(({ ended }) => ended ?? []));
    this.#sandbox = undefined;
    for (const record of this.all) {
      record.fresh = true;
      if (record.kind === "init" && record.current.kind === "finished") {
        record.last = record.current;
        record.current = { kind: "waiting", reason: "ContainerCreating" };
      }
    }
  }

  /** Ends all: main containers together, then sidecars in reverse order of their start. */
  async stopAll(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const probes of this.#probes.values()) probes.terminating();
    const deadlineMs = this.#options.node.clock.monotonicMs() + graceMs;
    const mains = [...this.main, ...this.ephemeral, ...this.init.filter(({ kind }) => kind === "init")];
    await Promise.all(mains.map((record) => this.#stop(record, graceMs)));
    for (const sidecar of this.init.filter(({ kind }) => kind === "sidecar").reverse()) {
      const leftMs = Math.max(0, deadlineMs - this.#options.node.clock.monotonicMs());
      await this.#stop(sidecar, leftMs);
    }
  }

  /** The grace period became shorter while stopping. */
  hurry(graceMs: number): void {
    this.#hurry.abort(HURRY);
    for (const { container, current } of this.all)
      if (container && current.kind === "running")
        container
          .stop(graceMs)
          .catch((err: unknown) => this.#options.node.logger.error("Could not stop a container", { err }));
  }

  /** Nothing is checked any more: the node crashed, or everything has ended. */
  abandon(): void {
    this.#hurry.abort(HURRY);
    for (const probes of this.#probes.values()) probes.stop();
    this.#probes.clear();
  }

  /** Containers that the kubelet knows nothing of although they should have ended: exit code 137 stands for them. */
  concludeUnknown(nowMs: number): void {
    for (const record of this.all) {
      if (record.current.kind === "finished") continue;
      const exit = {
        exitCode: 137,
        reason: "ContainerStatusUnknown",
        message: "The container could not be located when the pod was terminated",
        startedAtMs: 0,
        finishedAtMs: 0,
      };
      if (record.current.kind === "running") exit.finishedAtMs = nowMs;
      record.current = { kind: "finished", exit, containerId: record.container?.id ?? "" };
      record.ready = false;
    }
  }

  /** Under a fault the run ends by itself after a while; one that acts no more lets it be. */
  crashSoon({ container }: ContainerRecord): void {
    const { node, pod } = this.#options;
    const { uid } = pod().metadata;
    const crash = node.faults.crashOf(uid);
    if (!crash || !container) return;
    const timer = node.clock.setTimer(crash.afterMs, () => {
      if (node.faults.crashOf(uid)) container.end({ exitCode: crash.exitCode });
    });
    const cancel = (): void => timer.cancel();
    container.exited.then(cancel, cancel);
  }

  #plan(): ReturnType<typeof planPod> {
    const plan = planPod(this.#options.pod().spec.restartPolicy, this.init, this.main);
    if (plan.completed) return plan;
    // A debug container runs once, whatever the others do.
    const debugging = this.ephemeral.filter(
      ({ current, container }) => current.kind === "waiting" && !container,
    );
    return { ...plan, start: [...plan.start, ...debugging] };
  }

  #emit(record: ContainerRecord) {
    return (type: "Normal" | "Warning", reason: string, message: string): void =>
      this.#options.node.event(this.#options.pod(), type, reason, message, record.spec.name);
  }

  async #started(record: ContainerRecord, context: StartContext, signal: AbortSignal): Promise<void> {
    const { container } = record;
    if (!container) return;
    const { node } = this.#options;
    const { lastWords } = record;
    record.ended = container.exited
      .then((exit) => withTerminationMessage(exit, record.spec, container, lastWords))
      .then((exit) => this.#exited(record, container, exit))
      .catch((err: unknown) => node.logger.error("Could not take note of a container's end", { err }));
    this.crashSoon(record);
    const hook = record.spec.lifecycle?.postStart;
    if (hook) {
      const target = hookTarget({ node, record, container, sandbox: context.sandbox });
      const failure = await runHook(hook, target, signal).catch((err: unknown) => {
        if (signal.aborted) return undefined;
        throw err;
      });
      if (failure !== undefined) return this.#postStartFailed(record, container, context.sandbox);
    }
    if (record.current.kind !== "running" || record.container !== container) return;
    record.started = !record.spec.startupProbe;
    record.ready = record.started && !record.spec.readinessProbe;
    if (!this.#stopping) this.#probe(record, container, context.sandbox);
  }

  async #postStartFailed(
    record: ContainerRecord,
    container: RuntimeContainer,
    sandbox: Sandbox,
  ): Promise<void> {
    this.#emit(record)("Warning", "FailedPostStartHook", "PostStartHook failed");
    await this.#kill(record, container, sandbox, "FailedPostStartHook", this.#graceMs());
  }

  #probe(record: ContainerRecord, container: RuntimeContainer, sandbox: Sandbox): void {
    const { startupProbe, livenessProbe, readinessProbe } = record.spec;
    if (!startupProbe && !livenessProbe && !readinessProbe) return;
    const { node } = this.#options;
    const isCurrent = (): boolean => record.container === container && record.current.kind === "running";
    const { uid } = this.#options.pod().metadata;
    const target = hookTarget({ node, record, container, sandbox });
    const probes = new ContainerProbes({
      target,
      broken: (kind, probe) => node.faults.probeOutcome(uid, kind, probe, target),
      rng: node.rng.fork(`probes/${uid}/${record.spec.name}`),
      logger: node.logger,
      emit: this.#emit(record),
      onStarted: () => {
        if (!isCurrent()) return;
        record.started = true;
        record.ready = !readinessProbe;
        this.#options.onChange();
      },
      onReady: (ready) => {
        if (!isCurrent()) return;
        record.ready = ready;
        this.#options.onChange();
      },
      onUnhealthy: (kind, probe) => {
        if (isCurrent() && !this.#stopping) this.#unhealthy(record, container, sandbox, kind, probe);
      },
    });
    this.#probes.set(record, probes);
  }

  #unhealthy(
    record: ContainerRecord,
    container: RuntimeContainer,
    sandbox: Sandbox,
    kind: "startup" | "liveness",
    probe: Probe,
  ): void {
    const graceMs =
      probe.terminationGracePeriodSeconds === undefined
        ? this.#graceMs()
        : probe.terminationGracePeriodSeconds * 1000;
    const message = `Container ${record.spec.name} failed ${kind} probe, will be restarted`;
    this.#kill(record, container, sandbox, message, graceMs).catch((err: unknown) =>
      this.#options.node.logger.error("Could not stop an unhealthy container", { err }),
    );
  }

  #graceMs(): number {
    return (this.#options.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #kill(
    record: ContainerRecord,
    container: RuntimeContainer,
    sandbox: Sandbox,
    message: string,
    graceMs: number,
  ): Promise<void> {
    if (record.killing) return container.exited.then(() => {});
    record.killing = message;
    const { node, pod } = this.#options;
    const hurry = this.#hurry.signal;
    return stopContainer({ node, pod: pod(), record, container, sandbox, graceMs, message, hurry });
  }

  async #stop(record: ContainerRecord, graceMs: number): Promise<void> {
    const { container } = record;
    if (!container || !this.#sandbox || record.current.kind !== "running") return;
    await this.#kill(record, container, this.#sandbox, `Stopping container ${record.spec.name}`, graceMs);
    await record.ended;
  }

  #exited(record: ContainerRecord, container: RuntimeContainer, exit: ExitStatus): void {
    if (record.container !== container || record.current.kind === "finished") return;
    this.#probes.get(record)?.stop();
    this.#probes.delete(record);
    record.current = { kind: "finished", exit, containerId: container.id };
    record.ready = false;
    if (record.kind !== "sidecar") record.started = false;
    this.#options.onChange();
  }
}

import type { Clock } from "../machinery/api/clock.js";
import type { Logger } from "../machinery/api/logger.js";
import type { DeepReadonly, KubeObject } from "../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey, type ResourceDescriptor } from "../machinery/api/resource.js";
import type { Rng } from "../machinery/api/rng.js";
import { isConflict } from "../machinery/api/status.js";
import type { EventRecorder } from "../machinery/client/event-recorder.js";
import type { Informer } from "../machinery/client/informer.js";
import type { Selection } from "../machinery/client/reflector.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { WorkQueue } from "../machinery/client/work-queue.js";
import { Expectations } from "./expectations.js";
import { controllerOf, indexByController } from "./owner.js";

/** What the manager hands to every controller. */
export interface ControllerDeps {
  client: RestClient;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  events: EventRecorder;
  /** The shared cache of a resource. Ask while being built: the controller starts once all it asked for are complete. */
  informer<T extends KubeObject>(descriptor: ResourceDescriptor<T>, selection?: Selection): Informer<T>;
  /** PEM of the cluster's certificate authority. */
  caCertificate: string | undefined;
  /** `--pod-cidr`; absent means as the node count asks. */
  podCidr: string | undefined;
  /** How many keys are worked on at once. */
  concurrentSyncs: number;
}

/** What a reconciler gets on top. */
export interface ReconcilerDeps extends ControllerDeps {
  expectations: Expectations;
  enqueue(key: ObjectKey): void;
  enqueueAfter(key: ObjectKey, delayMs: number): void;
}

/** Nothing: done until the next change. Otherwise come back later even if nothing changes. */
export type ReconcileResult = { requeueAfterMs?: number | undefined } | undefined;

/** A key goes in, an outcome comes out; what woke it is unknown to it. A rejection is retried with back-off. */
export interface Reconciler {
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult>;
}

export interface RunningController {
  /** Runs until the signal aborts. Called once all informers asked for are complete. */
  run(signal: AbortSignal): Promise<void>;
  stats(): ControllerStats;
}
export interface ControllerStats {
  depth: number;
  reconciles: number;
  failures: number;
  busySeconds: number;
}

export interface Controller {
  readonly name: string;
  /** Source of its events, where upstream's differs from `<name>-controller`. */
  readonly component?: string;
  create(deps: ControllerDeps): RunningController;
}

/** Another kind whose changes concern the controller's own. */
export interface Watch {
  subscribe(deps: ReconcilerDeps): void;
}

/** Each change of a `descriptor` object enqueues what `keysOf` says of it before and after. */
export function enqueueMapped<T extends KubeObject>(
  descriptor: ResourceDescriptor<T>,
  keysOf: (object: DeepReadonly<T>, deps: ReconcilerDeps) => Iterable<ObjectKey>,
  changed: (old: DeepReadonly<T>, object: DeepReadonly<T>) => boolean = () => true,
): Watch {
  return {
    subscribe(deps) {
      const enqueueAll = (object: DeepReadonly<T>): void => {
        for (const key of keysOf(object, deps)) deps.enqueue(key);
      };
      deps.informer(descriptor).onChange({
        added: enqueueAll,
        updated(old, object) {
          if (!changed(old, object)) return;
          enqueueAll(old);
          enqueueAll(object);
        },
        deleted: enqueueAll,
      });
    },
  };
}

export interface ControllerDeclaration<T extends KubeObject> {
  name: string;
  component?: string;
  /** The kind whose keys are reconciled. */
  for: ResourceDescriptor<T>;
  /** Changes that do not concern the controller, left out. Default: every change does. */
  concerns?: (old: DeepReadonly<T>, object: DeepReadonly<T>) => boolean;
  /** Kinds whose controller reference points at `for`. */
  owns?: readonly ResourceDescriptor[];
  watches?: readonly Watch[];
  /** Overrides the process's --concurrent-syncs. */
  workers?: number;
  reconciler(deps: ReconcilerDeps): Reconciler;
}

/** Builds informers, handlers, queue and workers from the declaration: the only worker loop there is. */
export function defineController<T extends KubeObject>(declaration: ControllerDeclaration<T>): Controller {
  const { name, component } = declaration;
  return {
    name,
    ...(component ? { component } : {}),
    create: (deps) => new WorkLoop(declaration, deps),
  };
}

class WorkLoop<T extends KubeObject> implements RunningController {
  readonly #queue: WorkQueue<ObjectKey>;
  readonly #reconciler: Reconciler;
  readonly #workers: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stats = { reconciles: 0, failures: 0, busySeconds: 0 };

  constructor(declaration: ControllerDeclaration<T>, shared: ControllerDeps) {
    this.#clock = shared.clock;
    this.#logger = shared.logger;
    this.#workers = declaration.workers ?? shared.concurrentSyncs;
    this.#queue = new WorkQueue({ clock: shared.clock });
    const deps: ReconcilerDeps = {
      ...shared,
      expectations: new Expectations(shared.clock),
      enqueue: (key) => this.#queue.add(key),
      enqueueAfter: (key, delayMs) => this.#queue.addAfter(key, delayMs),
    };
    this.#reconciler = declaration.reconciler(deps);
    subscribeFor(declaration, deps);
    for (const owned of declaration.owns ?? []) subscribeOwned(declaration.for, owned, deps);
    for (const watch of declaration.watches ?? []) watch.subscribe(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#workers }, () => this.#work(signal)));
  }

  stats(): ControllerStats {
    return { depth: this.#queue.length, ...this.#stats };
  }

  async #work(signal: AbortSignal): Promise<void> {
    for await (const key of this.#queue.items(signal)) await this.#processItem(key, signal);
  }

  async #processItem(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const result = await this.#reconciler.reconcile(key, signal);
      this.#queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.#queue.addAfter(key, result.requeueAfterMs);
    } catch (err) {
      if (signal.aborted) return;
      this.#stats.failures++;
      // Somebody else wrote first, which happens all the time; the retry sees what they wrote.
      this.#logger[isConflict(err) ? "debug" : "warn"]("Reconciling failed", { key, err });
      this.#queue.addRateLimited(key);
    } finally {
      this.#stats.reconciles++;
      this.#stats.busySeconds += (this.#clock.monotonicMs() - startedMs) / 1000;
      this.#queue.done(key);
    }
  }
}

function subscribeFor<T extends KubeObject>(
  { for: descriptor, concerns = () => true }: ControllerDeclaration<T>,
  deps: ReconcilerDeps,
): void {
  const enqueue = (object: DeepReadonly<T>): void => deps.enqueue(objectKey(object as KubeObject));
  deps.informer(descriptor).onChange({
    added: enqueue,
    updated: (old, object) => {
      if (concerns(old, object)) enqueue(object);
    },
    deleted: enqueue,
  });
}

/** Handlers do two things: tell the expectations what was seen, and enqueue the owner. */
function subscribeOwned(owner: ResourceDescriptor, owned: ResourceDescriptor, deps: ReconcilerDeps): void {
  const informer = deps.informer(owned);
  indexByController(informer);
  const ownerKeyOf = (object: DeepReadonly<KubeObject>): ObjectKey | undefined => {
    const reference = controllerOf(object);
    if (reference?.kind !== owner.kind || reference.apiVersion !== owner.apiVersion) return undefined;
    return objectKey({ metadata: { namespace: object.metadata.namespace, name: reference.name } });
  };
  const gone = (object: DeepReadonly<KubeObject>): void => {
    const key = ownerKeyOf(object);
    if (key === undefined) return;
    deps.expectations.deletionObserved(key, objectKey(object));
    deps.enqueue(key);
  };
  informer.onChange({
    added(object) {
      // A restart can bring objects that are already on their way out.
      if (object.metadata.deletionTimestamp) return gone(object);
      const key = ownerKeyOf(object);
      if (key === undefined) return;
      deps.expectations.creationObserved(key);
      deps.enqueue(key);
    },
    updated(old, object) {
      if (object.metadata.deletionTimestamp) gone(object);
      for (const key of new Set([ownerKeyOf(old), ownerKeyOf(object)])) {
        if (key !== undefined) deps.enqueue(key);
      }
    },
    deleted: gone,
  });
}

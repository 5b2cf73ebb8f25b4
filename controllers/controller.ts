import type { Clock } from "../machinery/api/clock.js";
import type { Logger } from "../machinery/api/logger.js";
import type { DeepReadonly, KubeObject } from "../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey, type ResourceDescriptor } from "../machinery/api/resource.js";
import type { Rng } from "../machinery/api/rng.js";
import type { EventRecorder } from "../machinery/client/event-recorder.js";
import type { Informer } from "../machinery/client/informer.js";
import type { Selection } from "../machinery/client/reflector.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import type { ControllerPace } from "./controller-faults.js";
import { Expectations } from "./expectations.js";
import { controllerOf, indexByController } from "./owner.js";
import type { CloudLoadBalancers } from "./service/cloud.js";
import { type ControllerStats, type ReconcileResult, Workers } from "./workers.js";

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
  /** Where Services of type LoadBalancer get their balancers; without a cloud they stay pending. */
  cloud: CloudLoadBalancers | undefined;
  /** How many keys are worked on at once. */
  concurrentSyncs: number;
  pace: ControllerPace;
}

/** What a reconciler gets on top. */
export interface ReconcilerDeps extends ControllerDeps {
  expectations: Expectations;
  enqueue(key: ObjectKey): void;
  enqueueAfter(key: ObjectKey, delayMs: number): void;
}

/** A key goes in, an outcome comes out; what woke it is unknown to it. A rejection is retried with back-off. */
export interface Reconciler {
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult>;
}

export interface RunningController {
  /** Runs until the signal aborts. Called once all informers asked for are complete. */
  run(signal: AbortSignal): Promise<void>;
  stats(): ControllerStats;
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

/** Builds informers, handlers, queue and workers from the declaration. */
export function defineController<T extends KubeObject>(declaration: ControllerDeclaration<T>): Controller {
  const { name, component } = declaration;
  return {
    name,
    ...(component ? { component } : {}),
    create: (deps) => new DeclaredController(declaration, deps),
  };
}

class DeclaredController<T extends KubeObject> implements RunningController {
  readonly #workers: Workers;

  constructor(declaration: ControllerDeclaration<T>, shared: ControllerDeps) {
    this.#workers = new Workers({
      count: declaration.workers ?? shared.concurrentSyncs,
      clock: shared.clock,
      logger: shared.logger,
      pace: shared.pace,
      reconcile: (key, signal) => reconciler.reconcile(key, signal),
    });
    const { queue } = this.#workers;
    const deps: ReconcilerDeps = {
      ...shared,
      expectations: new Expectations(shared.clock),
      enqueue: (key) => queue.addAfter(key, shared.pace.delayMs()),
      enqueueAfter: (key, delayMs) => queue.addAfter(key, delayMs),
    };
    const reconciler = declaration.reconciler(deps);
    subscribeFor(declaration, deps);
    for (const owned of declaration.owns ?? []) subscribeOwned(declaration.for, owned, deps);
    for (const watch of declaration.watches ?? []) watch.subscribe(deps);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#workers.run(signal);
  }

  stats(): ControllerStats {
    return this.#workers.stats();
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

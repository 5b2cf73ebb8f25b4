import { whenAborted } from "../../machinery/api/when-aborted.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import { discoverResources } from "../../machinery/client/discovery.js";
import type { Informer } from "../../machinery/client/informer.js";
import type { Controller, ControllerDeps, RunningController } from "../controller.js";
import { Workers, type ControllerStats } from "../workers.js";
import { Collector } from "./collector.js";
import { OwnerGraph } from "./graph.js";

/** How often new kinds are looked for (upstream: 30 s). */
const DISCOVERY_PERIOD_MS = 30_000;
const WORKERS = 20;

/** Deletes what has lost its owners, and carries out foreground and orphaning deletion, for every kind there is. */
export const garbageCollector: Controller = {
  name: "garbagecollector",
  component: "garbage-collector-controller",
  create: (deps) => new GarbageCollector(deps),
};

class GarbageCollector implements RunningController {
  readonly #deps: ControllerDeps;
  readonly #graph = new OwnerGraph();
  readonly #watched = new Map<string, Informer<KubeObject>>();
  readonly #kinds = new Map<string, ResourceDescriptor>();
  readonly #workers: Workers;
  /** Before every cache is complete an owner may only seem to be missing. */
  #complete = false;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    const collector = new Collector({
      client: deps.client,
      graph: this.#graph,
      kindOf: (apiVersion, kind) => this.#kinds.get(`${apiVersion}/${kind}`),
      cached: (descriptor, key) => this.#watched.get(idOf(descriptor))?.get(key),
      enqueue: (uid) => this.#workers.queue.add(uid),
    });
    this.#workers = new Workers({
      count: WORKERS,
      clock: deps.clock,
      logger: deps.logger,
      pace: deps.pace,
      reconcile: (uid) => collector.process(uid),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#discover(signal), this.#workers.run(signal)]);
  }

  stats(): ControllerStats {
    return this.#workers.stats();
  }

  async #discover(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#watchNewKinds(signal);
      } catch (err) {
        if (signal.aborted) return;
        this.#deps.logger.debug("Discovery failed", { err });
      }
      await this.#deps.clock.sleep(this.#complete ? DISCOVERY_PERIOD_MS : 1000, signal).catch(() => {});
    }
  }

  async #watchNewKinds(signal: AbortSignal): Promise<void> {
    const resources = await discoverResources(this.#deps.client, signal);
    const added: Informer<KubeObject>[] = [];
    for (const { descriptor, verbs } of resources) {
      this.#kinds.set(`${descriptor.apiVersion}/${descriptor.kind}`, descriptor);
      const collectable = ["list", "watch", "delete"].every((verb) => verbs.includes(verb));
      if (!collectable || isIgnored(descriptor) || this.#watched.has(idOf(descriptor))) continue;
      const informer = this.#deps.informer(descriptor);
      this.#watched.set(idOf(descriptor), informer);
      this.#subscribe(descriptor, informer);
      added.push(informer);
    }
    await untilAborted(Promise.all(added.map((informer) => informer.synced)), signal);
    if (this.#complete || signal.aborted) return;
    this.#complete = true;
    for (const node of this.#graph.nodes) this.#workers.queue.add(node.uid);
  }

  #subscribe(descriptor: ResourceDescriptor, informer: Informer<KubeObject>): void {
    const enqueue = (uids: readonly string[]): void => {
      if (this.#complete) for (const uid of uids) this.#workers.queue.add(uid);
    };
    informer.onChange({
      added: (object) => enqueue(this.#graph.set(descriptor, object)),
      updated: (_old, object) => enqueue(this.#graph.set(descriptor, object)),
      deleted: (object) => enqueue(this.#graph.remove(object.metadata.uid)),
    });
  }
}

const idOf = ({ apiVersion, plural }: ResourceDescriptor): string => `${apiVersion}/${plural}`;

/** Events are many, own nothing and expire by themselves. */
const isIgnored = ({ kind, group }: ResourceDescriptor): boolean =>
  kind === "Event" && (group === "" || group === "events.k8s.io");

async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await Promise.race([work, whenAborted(signal)]);
}

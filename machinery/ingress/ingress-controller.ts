import type { Clock, Timer } from "../api/clock.js";
import { type ConfigMap, configMaps, type Secret, secrets } from "../api/core-v1.js";
import { deepEqual } from "../api/deep-equal.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { type Ingress, type IngressClass, ingressClasses, ingresses } from "../api/networking-v1.js";
import { objectKey } from "../api/resource.js";
import type { EventRecorder } from "../client/event-recorder.js";
import type { Informer } from "../client/informer.js";
import type { SharedInformers } from "../client/shared-informers.js";
import { type ClassOptions, whyIgnored } from "./ingress-class.js";
import { IngressTable } from "./ingress-table.js";
import { Router } from "./router.js";

export interface IngressControllerOptions {
  informers: SharedInformers;
  recorder: EventRecorder;
  clock: Clock;
  class: ClassOptions;
  /** Default: every namespace. */
  namespace?: string;
  /** `namespace/name` of the ConfigMap with the settings that Ingresses do not make themselves. */
  configMap?: string;
  /** Lines of the log: where upstream writes them, and what. */
  log: (level: "I" | "W" | "E", source: string, text: string) => void;
  /** The set of Ingresses that are served has changed. */
  onChange: () => void;
}

/** Keeps a router equal to the Ingresses of this controller's classes. Handlers only note what changed. */
export class IngressController {
  readonly router = new Router();
  readonly #options: IngressControllerOptions;
  readonly #table = new IngressTable(this.router);
  readonly #ingresses: Informer<Ingress>;
  readonly #classes: Informer<IngressClass>;
  readonly #secrets: Informer<Secret>;
  readonly #configMaps: Informer<ConfigMap> | undefined;
  #flush: Timer | undefined;

  constructor(options: IngressControllerOptions) {
    this.#options = options;
    const { informers, configMap } = options;
    const selection = options.namespace ? { namespace: options.namespace } : {};
    this.#ingresses = informers.for<Ingress>(ingresses, selection);
    this.#classes = informers.for<IngressClass>(ingressClasses);
    this.#secrets = informers.for<Secret>(secrets, selection);
    this.#ingresses.onChange({
      added: (ingress) => this.#take(ingress, true),
      updated: (old, ingress) => {
        const isSame =
          deepEqual(old.spec, ingress.spec) &&
          deepEqual(old.metadata.annotations, ingress.metadata.annotations);
        this.#take(ingress, !isSame);
      },
      deleted: (ingress) => this.#drop(ingress),
    });
    const onClass = (changed: DeepReadonly<IngressClass>): void => this.#retakeClass(changed.metadata.name);
    this.#classes.onChange({ added: onClass, updated: (_, changed) => onClass(changed), deleted: onClass });
    if (configMap !== undefined) this.#configMaps = this.#watchSettings(informers, configMap);
  }

  hasSynced(): boolean {
    const all = [this.#ingresses, this.#classes, this.#secrets, this.#configMaps];
    return all.every((informer) => informer?.hasSynced() !== false);
  }

  /** Those that are served, as they are now. */
  served(): DeepReadonly<Ingress>[] {
    return this.#table.keys().flatMap((key) => this.#ingresses.get(key) ?? []);
  }

  secret(key: string): DeepReadonly<Secret> | undefined {
    return this.#secrets.get(key);
  }

  /** Brings what is noted into the router at once. */
  flush(): void {
    this.#flush?.cancel();
    this.#flush = undefined;
    if (!this.#table.flush()) return;
    this.#options.log("I", "controller.go:196", '"Configuration changes detected, backend reload required"');
    this.#options.log("I", "controller.go:216", '"Backend successfully reloaded"');
    this.#options.onChange();
  }

  #watchSettings(informers: SharedInformers, key: string): Informer<ConfigMap> {
    const [namespace = "", name = ""] = key.split("/");
    const informer = informers.for<ConfigMap>(configMaps, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const set = (data: Readonly<Record<string, string>>): void => {
      this.#table.setDefaults(data);
      this.#flushSoon();
    };
    informer.onChange({
      added: ({ data }) => set(data ?? {}),
      updated: (_, { data }) => set(data ?? {}),
      deleted: () => set({}),
    });
    return informer;
  }

  #take(ingress: DeepReadonly<Ingress>, isNew: boolean): void {
    const { log, recorder } = this.#options;
    const key = objectKey(ingress);
    // Until the classes are known nothing can be said; they bring it up again.
    const reason = whyIgnored(ingress, (name) => this.#classes.get(name), this.#options.class);
    if (reason !== undefined) {
      if (this.#classes.hasSynced() && isNew) {
        const text = '"Ignoring ingress because of error while validating ingress class"';
        log("I", "store.go:440", `${text} ingress="${key}" error=${JSON.stringify(reason)}`);
      }
      this.#drop(ingress);
      return;
    }
    const isFirst = !this.#table.has(key);
    if (!isNew && !isFirst) return;
    if (isFirst) {
      const name = ingress.spec.ingressClassName ?? "_";
      log("I", "store.go:443", `"Found valid IngressClass" ingress="${key}" ingressclass="${name}"`);
    }
    this.#table.set(ingress);
    recorder.event(ingress, "Normal", "Sync", "Scheduled for sync");
    this.#flushSoon();
  }

  #drop(ingress: DeepReadonly<Ingress>): void {
    if (!this.#table.has(objectKey(ingress))) return;
    this.#table.delete(objectKey(ingress));
    this.#flushSoon();
  }

  #retakeClass(name: string): void {
    for (const ingress of this.#ingresses.list())
      if (ingress.spec.ingressClassName === name) this.#take(ingress, false);
  }

  /** Changes that come together are brought in together; the first time all at once, by whoever waits for the caches. */
  #flushSoon(): void {
    if (!this.hasSynced()) return;
    this.#flush ??= this.#options.clock.setTimer(0, () => this.flush());
  }
}

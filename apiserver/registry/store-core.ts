import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { type GroupResource, groupResource, type ResourceDescriptor } from "../../machinery/api/resource.js";
import type { Rng, Secrets } from "../../machinery/api/rng.js";
import { newNotFound, StatusError } from "../../machinery/api/status.js";
import type { AdmissionChain, AdmissionOperation, AdmissionRequest } from "../admission/chain.js";
import type { Authenticator } from "../auth/authenticator.js";
import type { Authorizer } from "../auth/authorizer.js";
import type { Encode, KeyValue, Storage } from "../storage/storage.js";
import { encoder, fromBytes, Memo, toBytes } from "./object-bytes.js";
import { ObjectView } from "./selection.js";
import type { Lookup, ServedResource, Strategy, StrategyContext } from "./serve.js";
import type { ObjectAt, Outcome, UpdateResult, WriteOptions } from "./write.js";

export interface StoreDependencies {
  storage: Storage;
  clock: Clock;
  rng: Rng;
  secrets: Secrets;
  logger: Logger;
  admission: AdmissionChain;
  lookup: Lookup;
  authenticator: Authenticator;
  authorizer: Authorizer;
}

/** `/registry/core/pods/`: every key of a kind starts with it. */
export const keyPrefix = ({ group, plural }: ResourceDescriptor): string =>
  `/registry/${group === "" ? "core" : group}/${plural}/`;

/** Where a kind's objects are kept and how they are read: what all verbs share. */
export class StoreCore<T extends KubeObject> {
  readonly resource: ServedResource<T>;
  readonly dependencies: StoreDependencies;
  readonly groupResource: GroupResource;
  readonly view: ObjectView<T>;
  readonly #prefix: string;
  readonly #converted: Memo<Uint8Array> | undefined;

  constructor(resource: ServedResource<T>, dependencies: StoreDependencies) {
    this.resource = resource;
    this.dependencies = dependencies;
    this.groupResource = groupResource(resource.descriptor);
    const { storedAs } = resource;
    this.#prefix = keyPrefix(storedAs?.descriptor ?? resource.descriptor);
    this.view = new ObjectView(resource, (item) => this.copyOf(item));
    if (storedAs) this.#converted = new Memo((item) => toBytes(this.view.object(item)));
  }

  get storage(): Storage {
    return this.dependencies.storage;
  }

  /** All keys, or those of one namespace. */
  prefix(namespace?: string): string {
    return namespace ? `${this.#prefix}${namespace}/` : this.#prefix;
  }

  key({ namespace, name }: ObjectAt): string {
    return this.resource.descriptor.namespaced
      ? `${this.#prefix}${namespace ?? ""}/${name}`
      : `${this.#prefix}${name}`;
  }

  item(at: ObjectAt): KeyValue | undefined {
    return this.storage.get(this.key(at));
  }

  /** Throws NotFound. */
  existing(at: ObjectAt): KeyValue {
    const item = this.item(at);
    if (item === undefined) throw newNotFound(this.groupResource, at.name);
    return item;
  }

  /** What goes over the wire for a stored value: the very bytes, except for kinds stored as another. */
  bytes(item: KeyValue): Uint8Array {
    return this.#converted?.of(item) ?? item.value;
  }

  /** A fresh object that the caller may change. */
  copyOf(item: KeyValue): T {
    const stored = fromBytes(item.value);
    return this.resource.storedAs ? this.resource.storedAs.fromStored(stored as KubeObject) : (stored as T);
  }

  encoder(object: T): Encode {
    return encoder(this.resource.storedAs ? this.resource.storedAs.toStored(object) : object);
  }

  strategy(options: WriteOptions<T>): Strategy<T> {
    return options.strategy ?? this.resource.strategy;
  }

  context({ user, dryRun, subresource = "" }: WriteOptions<T>): StrategyContext {
    const { clock, rng, secrets, lookup, authorizer, authenticator } = this.dependencies;
    return { clock, rng, secrets, user, subresource, dryRun, lookup, authorizer, authenticator };
  }

  admissionRequest(
    operation: AdmissionOperation,
    at: { namespace?: string | undefined; name?: string | undefined },
    objects: { object?: T; oldObject?: T },
    options: WriteOptions<T>,
  ): AdmissionRequest {
    const { lookup, clock, rng } = this.dependencies;
    return {
      operation,
      resource: this.resource.descriptor,
      subresource: options.subresource ?? "",
      namespace: at.namespace ?? "",
      name: at.name ?? "",
      object: objects.object,
      oldObject: objects.oldObject,
      user: options.user,
      dryRun: options.dryRun,
      lookup,
      clock,
      rng,
      warn: (message) => options.warn?.(message),
    };
  }
}

/** A stored result. Parsed only when someone looks at the object: most answers copy the bytes. */
export class StoredResult<T extends KubeObject> implements UpdateResult<T> {
  readonly created: boolean;
  readonly removed: boolean;
  readonly #core: StoreCore<T>;
  readonly #item: KeyValue;

  constructor(core: StoreCore<T>, item: KeyValue, { created = false, removed = false }: Outcome = {}) {
    this.#core = core;
    this.#item = item;
    this.created = created;
    this.removed = removed;
  }

  get object(): T {
    return this.#core.view.object(this.#item);
  }

  get bytes(): Uint8Array {
    return this.#core.bytes(this.#item);
  }
}

/** An error that a real server sends without a reason. */
export const newUnknown = (message: string): StatusError =>
  new StatusError({ code: 500, reason: "", message });

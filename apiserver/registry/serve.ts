import type { FieldError } from "../../machinery/api/field-error.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { Clock } from "../../machinery/api/clock.js";
import type { HttpRequest, HttpResponse, UpgradeRequest } from "../../machinery/api/http.js";
import type { Rng, Secrets } from "../../machinery/api/rng.js";
import type { Authenticator } from "../auth/authenticator.js";
import type { Authorizer } from "../auth/authorizer.js";
import type { UserInfo } from "../auth/user-info.js";
import type { Companions } from "../storage/storage.js";
import type { GenericStore } from "./generic-store.js";
import type { KubeletDialer } from "./kubelet-dialer.js";

/**
 * What the server does about a kind, in upstream's order: default, mutating admission, system metadata, prepare,
 * validate, canonicalize, validating admission, store. Prepare may mutate; validate may not. Every function is
 * synchronous and sees complete, decoded objects (unknown fields already handled by the schema).
 */
export interface Strategy<T extends KubeObject = KubeObject> {
  /** Fills what the API documents as default. Also run on objects read back from an older file. */
  defaults?(object: T): void;
  prepareForCreate?(object: T, context: StrategyContext): void;
  prepareForUpdate?(object: T, old: T, context: StrategyContext): void;
  validate?(object: T, context: StrategyContext): FieldError[];
  validateUpdate?(object: T, old: T, context: StrategyContext): FieldError[];
  canonicalize?(object: T): void;
  warningsOnCreate?(object: T): string[];
  warningsOnUpdate?(object: T, old: T): string[];
  /** PUT to a name that does not exist creates it. Default false. */
  allowCreateOnUpdate?: boolean;
  /** An update without resourceVersion is taken as "latest". Default true. */
  allowUnconditionalUpdate?: boolean;
  /** True raises metadata.generation on update. Default: spec changed. Kinds without spec never raise it. */
  generationChanged?(object: T, old: T): boolean;
  /** Names: what metadata.name must be. Default DNS-1123 subdomain. */
  validateName?(name: string): string[];
  /**
   * Claims that must hold together with the write (cluster IPs, node ports). Runs before prepare and validate, as upstream's
   * BeginCreate and BeginUpdate; may mutate; throws StatusError. The answer's `commit` runs after the write, `rollback` when
   * it failed or was a dry run.
   */
  reserve?(object: T, old: T | undefined, context: StrategyContext): Reservation | undefined;
  /** What goes with the object in the same transaction, once it is really gone (finalizers done). */
  removedWith?(object: T): Companions;
  /** Runs after the object is gone: releases what `reserve` claimed. */
  afterDelete?(object: T, context: StrategyContext): void;
  /** Graceful deletion: seconds the object stays with a deletionTimestamp; undefined or 0 deletes at once. */
  gracePeriodSeconds?(object: T, requestedSeconds: number | undefined): number | undefined;
  /** True keeps a deleted object until an update makes it false, beside its finalizers (a namespace's spec.finalizers). */
  holdsDeletion?(object: T): boolean;
  /** Runs once when deletionTimestamp is set and the object stays for now; may mutate (phase Terminating). */
  prepareForDelete?(object: T, context: StrategyContext): void;
  /** The answer to a completed delete is the object instead of a Status. Default false. */
  returnDeletedObject?: boolean;
}

export interface Reservation {
  /** Written in the same transaction as the object. */
  readonly companions?: Companions;
  commit(): void;
  rollback(): void;
}

export interface StrategyContext {
  clock: Clock;
  rng: Rng;
  secrets: Secrets;
  user: UserInfo;
  /** "" or the subresource written through. */
  subresource: string;
  dryRun: boolean;
  /** Current objects of any served kind, straight from memory. */
  lookup: Lookup;
  authorizer: Authorizer;
  authenticator: Authenticator;
}

export interface Lookup {
  get<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    namespace: string | undefined,
    name: string,
  ): T | undefined;
  list<T extends KubeObject>(descriptor: ResourceDescriptor<T>, namespace?: string): readonly T[];
}

/** A column of the server-side table (meta/v1 TableColumnDefinition). Priority 1 shows with `-o wide`. */
export interface TableColumn {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  format?: string;
  description: string;
  priority?: number;
}
export type TableCell = string | number | boolean | null;

/** A kind as this server serves it. */
export interface ServedResource<T extends KubeObject = KubeObject> {
  descriptor: ResourceDescriptor<T>;
  strategy: Strategy<T>;
  /** First column is Name. Rows match it one to one. */
  columns: readonly TableColumn[];
  row(object: T, nowMs: number): TableCell[];
  /** Beside metadata.name and metadata.namespace, which every kind has. */
  selectableFields?: readonly string[];
  fieldsOf?(object: T): Record<string, string>;
  /** `status`, `scale`, `binding`, `log`, … by name. */
  subresources?: Record<string, Subresource<T>>;
  /** Sent as a Warning header with every answer about the kind. */
  deprecation?: string;
  /** Default: create delete deletecollection get list patch update watch. */
  verbs?: readonly string[];
  /** Stored under another kind's key and form (events.k8s.io over core events). */
  storedAs?: {
    descriptor: ResourceDescriptor;
    toStored(object: T): KubeObject;
    fromStored(object: KubeObject): T;
  };
  /** Answered without a store (SelfSubjectAccessReview): create only. */
  virtual?(object: T, context: StrategyContext): Promise<T> | T;
}

/** Either another view of the object (status), an object of another kind (scale), or a handler of its own (log, exec). */
export type Subresource<T extends KubeObject = KubeObject> =
  | { kind: "view"; strategy: Strategy<T>; verbs: readonly string[] }
  | {
      kind: "projection";
      /** Kind that goes over the wire, e.g. autoscaling/v1 Scale. */
      descriptor: ResourceDescriptor;
      verbs: readonly string[];
      get(object: T): KubeObject;
      /** Changes `object` to what `projection` asks; validated by the kind's own strategy. */
      put(object: T, projection: KubeObject): FieldError[];
    }
  | {
      kind: "action";
      /** Kind of the body that POST takes, for discovery (`Eviction`, `Binding`, `PodExecOptions`…). */
      descriptor: ResourceDescriptor;
      verbs: readonly string[];
      /** The object's name in what the path has for it (`https:web:443`). Default: all of it. */
      objectName?(name: string): string;
      handle(call: ActionCall<T>): Promise<HttpResponse>;
      /** exec, attach, portforward. */
      upgrade?(call: ActionCall<T>, upgrade: UpgradeRequest): Promise<HttpResponse | undefined>;
    };

export interface ActionCall<T extends KubeObject = KubeObject> {
  request: HttpRequest;
  query: URLSearchParams;
  namespace: string | undefined;
  name: string;
  /** Rest of the path after the subresource (`proxy/…`). */
  path: string;
  object: T;
  store: GenericStore<T>;
  context: StrategyContext;
  signal: AbortSignal;
  kubelets: KubeletDialer;
  /** The request's body, decoded and checked as the action's kind; undefined when it is empty. */
  decodeBody<B extends KubeObject = KubeObject>(): Promise<B | undefined>;
  /** Sends a `Warning` header with the answer. */
  warn(message: string): void;
}

/** Declares what the server does about a kind. */
export const serve = <T extends KubeObject>(
  descriptor: ResourceDescriptor<T>,
  served: Omit<ServedResource<T>, "descriptor">,
): ServedResource<T> => ({ descriptor, ...served });

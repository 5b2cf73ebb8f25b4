import type { Clock } from "../../machinery/api/clock.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { UserInfo } from "../auth/user-info.js";
import type { Lookup } from "../registry/serve.js";

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One write on its way to the store, as admission plugins see it. */
export interface AdmissionRequest {
  operation: AdmissionOperation;
  resource: ResourceDescriptor;
  /** "" for the object itself. */
  subresource: string;
  /** "" for cluster-scoped objects. */
  namespace: string;
  /** "" when the server is still to generate it. */
  name: string;
  /** The object to be stored; mutating plugins may change it. Absent on DELETE. */
  object: KubeObject | undefined;
  /** The stored object, read-only; absent on CREATE and CONNECT. */
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  lookup: Lookup;
  clock: Clock;
  rng: Rng;
  /** Sends a `Warning` header with the answer. */
  warn(message: string): void;
}

/** Refuses by throwing a StatusError (newForbidden as a rule). */
export interface AdmissionPlugin {
  /** As in `--enable-admission-plugins`: `NamespaceLifecycle`. */
  readonly name: string;
  /** Before defaults are complete and the object is validated: may change `request.object`. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** The last word before the store: must not change anything. */
  validate?(request: AdmissionRequest): void | Promise<void>;
}

/** All plugins in their order: first every `admit`, later every `validate`. */
export class AdmissionChain {
  readonly #mutating: readonly AdmissionPlugin[];
  readonly #validating: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#mutating = plugins.filter((plugin) => plugin.admit !== undefined);
    this.#validating = plugins.filter((plugin) => plugin.validate !== undefined);
  }

  async admit(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#mutating) await plugin.admit?.(request);
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#validating) await plugin.validate?.(request);
  }
}

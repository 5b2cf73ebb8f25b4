import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { UserInfo } from "../auth/user-info.js";
import { toBytes } from "./object-bytes.js";
import type { Strategy } from "./serve.js";

/** Who writes and how. A StrategyContext is one. */
export interface WriteOptions<T extends KubeObject = KubeObject> {
  user: UserInfo;
  dryRun: boolean;
  /** "" or the subresource written through. */
  subresource?: string;
  /** The view's strategy when it is not the resource's own. */
  strategy?: Strategy<T>;
  warn?(message: string): void;
}

/** Where an object is. */
export interface ObjectAt {
  /** Absent for cluster-scoped objects. */
  namespace?: string | undefined;
  name: string;
}

export interface Written<T extends KubeObject> {
  /** Read-only: shared with whoever reads it next. */
  readonly object: T;
  /** Its JSON, as stored. */
  readonly bytes: Uint8Array;
}

export interface UpdateResult<T extends KubeObject> extends Written<T> {
  /** The object did not exist before. */
  readonly created: boolean;
  /** The update completed a deletion: the object is gone. */
  readonly removed: boolean;
}

export interface DeleteResult<T extends KubeObject> extends Written<T> {
  /** False while finalizers or a grace period keep the object. */
  readonly removed: boolean;
}

/** How a write came out beside the object itself. */
export interface Outcome {
  created?: boolean;
  removed?: boolean;
}

/** What a dry run would have written. */
export const unstored = <T extends KubeObject>(object: T, outcome: Outcome = {}): UpdateResult<T> => ({
  object,
  bytes: toBytes(object),
  created: outcome.created ?? false,
  removed: outcome.removed ?? false,
});

import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { UserInfo } from "../auth/user-info.js";
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
  object: T;
  /** Its JSON, as stored. */
  bytes: Uint8Array;
}

export type UpdateResult<T extends KubeObject> = Written<T> & {
  /** The object did not exist before. */
  created: boolean;
  /** The update completed a deletion: the object is gone. */
  removed: boolean;
};

export type DeleteResult<T extends KubeObject> = Written<T> & {
  /** False while finalizers or a grace period keep the object. */
  removed: boolean;
};

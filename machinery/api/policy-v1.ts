import type { DeleteOptions, KubeObject } from "./meta-v1.js";

/** Body of `pods/NAME/eviction`. */
export interface Eviction extends KubeObject {
  deleteOptions?: DeleteOptions;
}

/**
 * Chance as a component sees it: a node of a tree. A fork depends only on the seed and the path from the root, never
 * on how many draws were made elsewhere.
 */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer, both ends included. */
  int(min: number, max: number): number;
  /** Throws RangeError on an empty array. */
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** `length` characters of Kubernetes' name suffix alphabet `bcdfghjklmnpqrstvwxz2456789` (apimachinery util/rand). */
  suffix(length: number): string;
  /** A version 4 UUID. */
  uuid(): string;
  /** The generator at `path` below this one; the same path gives the same sequence anew. */
  fork(path: string): Rng;
}

/** Where keys, tokens and serial numbers come from: the system's generator live, fixtures in simulation. */
export interface Secrets {
  randomBytes(length: number): Uint8Array;
}

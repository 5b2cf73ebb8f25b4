import type { History } from "./history.js";

/** `failed`: it could not begin, or a step could not do what it says; `aborted`: the deadline, a cluster that went away. */
export type Ending = "failed" | "aborted" | "interrupted";

/** A run could not be judged: no verdict, exit code 2. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
  readonly ending: Ending;
  /** What was seen until then. */
  history?: History;

  constructor(message: string, ending: Ending = "failed") {
    super(message);
    this.ending = ending;
  }
}

/** The same, and something that was injected is still there. */
export class NotHealed extends CannotRun {}

/** The same: whoever holds the cluster's faults is gone, or is going, and there is nothing to wait for. */
export class ClusterLost extends CannotRun {
  constructor(message: string) {
    super(message, "aborted");
  }
}

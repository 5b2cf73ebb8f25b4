/** What many seeds came to: counts, and each cause once. */
export interface Exploration {
  seeds: number;
  held: number;
  violated: number;
  couldNotRun: number;
  requests: number;
  failedRequests: number;
  faults: number;
  simulatedMs: number;
  causes: ExploredCause[];
  /** By seed, when they were asked for. */
  bySeed?: ExploredSeed[];
}

export interface ExploredCause {
  invariant: string;
  /** With names, addresses, times and numbers taken out. */
  text: string;
  seeds: number;
  firstSeed: string;
  /** As it was told there. */
  example: string;
}

export interface ExploredSeed {
  seed: string;
  outcome: "held" | "violated" | "could-not-run";
  simulatedMs: number;
  /** What was violated, or why it could not be run. */
  texts: string[];
}

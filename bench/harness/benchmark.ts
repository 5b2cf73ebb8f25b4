import type { Scope } from "./scope.js";

/** One number for each round. */
export type Sample = readonly number[];

/** One line of the report: what was measured, beside what the machine can do at best. */
export interface Measure {
  name: string;
  unit: string;
  values: Sample;
  /** The same work done by something bare, measured in the same run, rounds in turn. The first one gives the ratio. */
  floors?: readonly { name: string; values: Sample }[];
  aim?: Aim;
  note?: string;
}

export interface Aim {
  text: string;
  met: boolean;
}

export interface BenchContext {
  quick: boolean;
  /** What the benchmark starts; ended when it is over, however it ends. */
  scope: Scope;
  signal: AbortSignal;
  progress: (step: string) => void;
}

export interface Benchmark {
  name: string;
  title: string;
  /** After this it is given up. */
  limitMs: { quick: number; full: number };
  run(context: BenchContext): Promise<readonly Measure[]>;
}

import type { FlagSpecs, parseFlags } from "../flags.js";

export const chaosFlags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig of the cluster to break." },
  name: { kind: "string", help: "Name of a running kubesim cluster." },
  seed: { kind: "string", help: "Overrides the scenario's seed." },
  output: { kind: "string", short: "o", help: "json: the journal; of many seeds, what they came to." },
  journal: { kind: "string", help: "Write the journal, with the whole history, to this file." },
  junit: { kind: "string", help: "Write the verdicts to this file, as JUnit's XML." },
  html: { kind: "string", help: "Write a page with everything that happened to this file." },
  perfdata: { kind: "string", help: "Write measurements to this folder, as ClusterLoader2's PerfData." },
  simulate: { kind: "bool", help: "Run in virtual time, without a cluster: one seed, one history." },
  seeds: { kind: "int", help: "With --simulate: explore so many seeds, from the scenario's or --seed on." },
  jobs: {
    kind: "int",
    help: "With --seeds: so many processes beside each other. Default: one per CPU, at most 8.",
  },
  replay: { kind: "string", help: "Run one seed in virtual time again, and print the hash of its history." },
  trace: { kind: "bool", help: "With --replay: print every event; on a terminal, one at a time." },
  shrunk: {
    kind: "string",
    help: "Where the shortest failing scenario is written. Default: beside the scenario.",
  },
} as const satisfies FlagSpecs;

export type ChaosFlags = ReturnType<typeof parseFlags<typeof chaosFlags>>["flags"];

/** Exit codes: the invariants held, were violated, or the scenario could not be run. */
export const HELD = 0;
export const VIOLATED = 1;
export const COULD_NOT_RUN = 2;

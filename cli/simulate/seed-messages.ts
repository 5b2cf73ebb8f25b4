import type { Scenario } from "../../chaos/scenario/types.js";
import type { SeedSummary } from "../../simulation/causes.js";
import type { ManifestDocument } from "../manifests.js";

export type ToWorker =
  | { kind: "files"; files: [string, readonly ManifestDocument[]][] }
  | { kind: "run"; id: number; scenario: Scenario };

/** `cpuMs`: what the worker's process has used since its start. */
export type FromWorker = { id: number; cpuMs: number } & ({ summary: SeedSummary } | { error: string });

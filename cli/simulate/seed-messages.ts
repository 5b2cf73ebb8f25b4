import type { Scenario } from "../../chaos/scenario/types.js";
import type { SeedSummary } from "../../simulation/causes.js";
import type { ManifestDocument } from "../manifests.js";

export type ToWorker =
  | { kind: "files"; files: [string, readonly ManifestDocument[]][] }
  | { kind: "run"; id: number; scenario: Scenario };

export type FromWorker = { id: number; summary: SeedSummary } | { id: number; error: string };

import type { FlagSpec } from "../flags.js";
import { UserError } from "../supervisor/cluster.js";

export const dryRunFlag = {
  kind: "optional",
  bare: "unchanged",
  default: "none",
  help: 'Must be "none", "server", or "client".',
} as const satisfies FlagSpec;

export type DryRun = "none" | "client" | "server";

export function parseDryRun(text: string | undefined): DryRun {
  if (text === undefined || text === "none" || text === "client" || text === "server") return text ?? "none";
  throw new UserError(`Invalid dry-run value (${text}). Must be "none", "server", or "client".`);
}

/** ` (dry run)`, ` (server dry run)` or nothing. */
export const dryRunNote = (dryRun: DryRun): string =>
  dryRun === "client" ? " (dry run)" : dryRun === "server" ? " (server dry run)" : "";

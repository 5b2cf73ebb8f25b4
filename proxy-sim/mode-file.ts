import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { balancerNamed } from "./balancers/balancers.js";
import type { ModeStore, SavedModes } from "./modes.js";

/** Modes in a file. One that is missing, or that nobody understands, is as good as none. */
export const modeFile = (path: string): ModeStore => ({
  load() {
    try {
      const saved: unknown = JSON.parse(readFileSync(path, "utf8"));
      return isSaved(saved) ? saved : undefined;
    } catch {
      return undefined;
    }
  },
  save(modes) {
    const draft = `${path}.new`;
    writeFileSync(draft, `${JSON.stringify(modes)}\n`);
    renameSync(draft, path);
  },
});

function isSaved(value: unknown): value is SavedModes {
  if (typeof value !== "object" || value === null) return false;
  const { startedWith, balancer, nodeBalancers } = value as Partial<SavedModes>;
  const names: unknown[] = [startedWith, balancer, ...Object.values(nodeBalancers ?? { none: undefined })];
  return names.every((name) => typeof name === "string" && balancerNamed(name) !== undefined);
}

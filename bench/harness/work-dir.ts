import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "./scope.js";

/** A directory of its own, gone when the scope closes. */
export function workDir(scope: Scope): string {
  const dir = mkdtempSync(join(tmpdir(), "kubesim-bench-"));
  scope.defer(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

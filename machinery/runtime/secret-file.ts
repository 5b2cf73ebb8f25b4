import { renameSync, writeFileSync } from "node:fs";

/** Replaces the file in one step, readable by its owner alone. */
export function writeSecretFile(file: string, content: string): void {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, file);
}

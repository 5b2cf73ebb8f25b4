import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** A data directory that cannot be used; the message says why. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
}

/** Makes the folder where it is missing. Throws DataDirError. */
export function prepareDataDir(dir: string): void {
  const known = statSync(dir, { throwIfNoEntry: false });
  if (known?.isDirectory()) return;
  if (known) throw new DataDirError(`data directory ${dir} is a file`);
  try {
    // Not recursive where it need not be: below /proc Node.js would try for ever.
    mkdirSync(dir, { recursive: !existsSync(dirname(dir)), mode: 0o700 });
  } catch (err) {
    throw new DataDirError(`data directory ${dir}: ${(err as Error).message}`);
  }
}

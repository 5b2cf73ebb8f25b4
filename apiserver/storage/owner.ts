import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Who holds a database. */
export interface StorageOwner {
  pid: number;
  /** Where it serves, e.g. `https://127.0.0.1:6443`. */
  address: string;
}

const ownerFile = (file: string): string => `${file}.owner`;

/** Only for messages (the lock on the file itself decides), so a full disk does not matter. */
export function writeOwner(file: string, owner: StorageOwner): void {
  const temporary = `${ownerFile(file)}.new`;
  try {
    writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
    renameSync(temporary, ownerFile(file));
  } catch {
    rmSync(temporary, { force: true });
  }
}

export function readOwner(file: string): StorageOwner | undefined {
  try {
    return JSON.parse(readFileSync(ownerFile(file), "utf8")) as StorageOwner;
  } catch {
    return undefined;
  }
}

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** The kernel takes 107 bytes on Linux and 103 on macOS. */
const LONGEST_PATH_BYTES = 100;

/** Where a socket of this name really is: paths too long for the kernel move to a private temporary directory. */
export function socketLocation(path: string): string {
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return path;
  const directory = join(tmpdir(), `kubesim-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, `${createHash("sha256").update(path).digest("hex").slice(0, 24)}.sock`);
}

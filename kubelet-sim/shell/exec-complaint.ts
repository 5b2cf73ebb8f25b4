import type { ExecError } from "../images/process.js";
import type { Shell } from "./shell.js";

/** busybox's words: 127 when it is not there, 126 when it cannot run. */
export async function complainOf(shell: Shell, name: string, err: ExecError): Promise<number> {
  switch (err.reason) {
    case "not-found":
    case "no-such-file":
      await shell.complain(`${name}: not found`);
      return 127;
    case "permission-denied":
    case "is-a-directory":
      await shell.complain(`${name}: Permission denied`);
      return 126;
  }
}

import { StatusError } from "../../machinery/api/status.js";
import type { CliContext } from "../command.js";
import { errorLine } from "../printers/error-line.js";

/** Acts on one after the other; a refusal is told and the others go on. Exit code 1 if any failed. */
export async function forEach<T>(
  items: readonly T[],
  context: CliContext,
  act: (item: T) => Promise<void>,
): Promise<number> {
  let failed = false;
  for (const item of items) {
    try {
      await act(item);
    } catch (err) {
      if (!(err instanceof StatusError)) throw err;
      failed = true;
      context.stderr.write(`${errorLine(err)}\n`);
    }
  }
  return failed ? 1 : 0;
}

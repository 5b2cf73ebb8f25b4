import { watch } from "chokidar";
import { StatusError } from "../../machinery/api/status.js";
import { TransportError } from "../../machinery/api/http.js";
import type { CliContext } from "../command.js";
import { errorLine } from "../printers/error-line.js";
import { UserError } from "../supervisor/cluster.js";

/** A file that is still being written is left alone until it has not grown for this long. */
const SETTLED_MS = 100;
const MANIFEST = /\.(ya?ml|json)$/;

/**
 * Applies every manifest now and again whenever one changes, until the user stops it. A file that is broken, or that the
 * server refuses, is told and tried again at its next change.
 */
export async function watchFolders(
  paths: readonly string[],
  recursive: boolean,
  context: CliContext,
  apply: (files: readonly string[]) => Promise<number>,
): Promise<number> {
  const watcher = watch([...paths], {
    ...(recursive ? {} : { depth: 0 }),
    ignored: (path, stats) => stats?.isFile() === true && !MANIFEST.test(path),
    awaitWriteFinish: { stabilityThreshold: SETTLED_MS, pollInterval: 20 },
  });
  const changed = new Set<string>();
  let wake: () => void = () => {};
  const notice = (path: string): void => {
    changed.add(path);
    wake();
  };
  watcher.on("add", notice).on("change", notice);
  context.signal.addEventListener("abort", () => wake(), { once: true });
  context.stderr.write(`watching ${paths.join(", ")}\n`);
  while (!context.signal.aborted) {
    const files = [...changed].sort();
    changed.clear();
    if (files.length > 0) await applyAndTell(files, context, apply);
    if (changed.size === 0 && !context.signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  await watcher.close();
  return 0;
}

async function applyAndTell(
  files: readonly string[],
  context: CliContext,
  apply: (files: readonly string[]) => Promise<number>,
): Promise<void> {
  for (const file of files) {
    try {
      await apply([file]);
    } catch (err) {
      if (err instanceof UserError) context.stderr.write(`error: ${err.message}\n`);
      else if (err instanceof StatusError) context.stderr.write(`${errorLine(err)}\n`);
      else if (err instanceof TransportError) context.stderr.write(`error: ${err.message}\n`);
      else throw err;
    }
  }
}

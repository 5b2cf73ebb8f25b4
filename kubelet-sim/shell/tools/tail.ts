import type { OpenFile, Process } from "../../images/process.js";
import { forEachInput, linesOf, readAll, tool } from "../tool.js";

const FOLLOW_EVERY_MS = 1000;

/** `-n 5`, `-n +5`, `-c 10`, and `-f`, which looks once a second. */
export const tail = tool({ flags: "fqvF", values: "ncs", counts: true }, async (process, options) => {
  const paths = options.operands;
  const follows = options.has("f") || options.has("F");
  const followed: OpenFile[] = [];
  const status = await forEachInput(process, paths, async (input, path) => {
    if (paths.length > 1 && !options.has("q")) await process.stdout.write(`==> ${path} <==\n`);
    await printEnd(process, input, options.value("n") ?? "10", options.value("c"));
    if (follows) followed.push(input.dup());
  });
  while (followed.length > 0) {
    for (const file of followed) {
      for (let bytes = await file.read(); bytes; bytes = await file.read()) await process.stdout.write(bytes);
    }
    await process.sleep(FOLLOW_EVERY_MS);
  }
  return status;
});

async function printEnd(
  process: Process,
  input: OpenFile,
  lines: string,
  bytes: string | undefined,
): Promise<void> {
  if (bytes !== undefined) {
    const content = await readAll(input);
    const start = bytes.startsWith("+") ? Number(bytes) - 1 : Math.max(0, content.length - Number(bytes));
    return process.stdout.write(content.subarray(start));
  }
  const fromStart = lines.startsWith("+");
  const count = Math.abs(Number(lines));
  let number = 0;
  let kept: string[] = [];
  for await (const line of linesOf(input)) {
    number++;
    if (fromStart) {
      if (number >= count) await process.stdout.write(line);
    } else if (count > 0) {
      kept.push(line);
      if (kept.length > count * 2 + 64) kept = kept.slice(-count);
    }
  }
  if (!fromStart && count > 0) await process.stdout.write(kept.slice(-count).join(""));
}

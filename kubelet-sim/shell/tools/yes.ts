import type { Process } from "../../images/process.js";
import { formatPrintf } from "../text/printf-text.js";

export async function yes(process: Process): Promise<number> {
  const text = `${process.argv.slice(1).join(" ") || "y"}\n`.repeat(64);
  for (;;) {
    await process.tick();
    await process.stdout.write(text);
  }
}

/** printf(1) for those who exec it without a shell. */
export async function printf(process: Process): Promise<number> {
  const [format = "", ...values] = process.argv.slice(1);
  const { text, errors } = formatPrintf(format, values);
  await process.stdout.write(text);
  for (const error of errors) await process.stderr.write(`${error}\n`);
  return errors.length > 0 ? 1 : 0;
}

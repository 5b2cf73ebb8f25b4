import { forEachInput, linesOf, tool } from "../tool.js";

export const uniq = tool({ flags: "cdui" }, async (process, options) => {
  const print = async (line: string, count: number): Promise<void> => {
    if ((options.has("d") && count < 2) || (options.has("u") && count > 1)) return;
    await process.stdout.write(`${options.has("c") ? `${String(count).padStart(7)} ` : ""}${line}\n`);
  };
  return forEachInput(process, options.operands.slice(0, 1), async (input) => {
    let last: string | undefined;
    let count = 0;
    const fold = (text: string | undefined): string | undefined =>
      options.has("i") ? text?.toLowerCase() : text;
    for await (const raw of linesOf(input)) {
      const line = raw.replace(/\n$/, "");
      if (last !== undefined && fold(line) === fold(last)) count++;
      else {
        if (last !== undefined) await print(last, count);
        last = line;
        count = 1;
      }
    }
    if (last !== undefined) await print(last, count);
  });
});

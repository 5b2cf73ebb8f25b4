import { forEachInput, linesOf, tool } from "../tool.js";

export const head = tool({ flags: "qv", values: "nc", counts: true }, async (process, options) => {
  const paths = options.operands;
  return forEachInput(process, paths, async (input, path) => {
    if (paths.length > 1 && !options.has("q")) await process.stdout.write(`==> ${path} <==\n`);
    if (options.has("c")) {
      let left = Number(options.value("c"));
      while (left > 0) {
        const bytes = await input.read(left);
        if (!bytes) return;
        left -= bytes.length;
        await process.stdout.write(bytes);
      }
      return;
    }
    let left = Number(options.value("n") ?? 10);
    if (left <= 0) return;
    for await (const line of linesOf(input)) {
      await process.stdout.write(line);
      if (--left <= 0) return;
    }
  });
});

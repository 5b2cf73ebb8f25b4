import { complain, forEachInput, linesOf, tool } from "../tool.js";

/** `1`, `1-3`, `2-`, `-3`, with commas. */
function parseList(text: string): (index: number) => boolean {
  const ranges = text.split(",").map((part) => {
    const [from = "", to] = part.split("-");
    return { from: Number(from || 1), to: to === undefined ? Number(from) : Number(to || Infinity) };
  });
  return (index) => ranges.some(({ from, to }) => index >= from && index <= to);
}

export const cut = tool({ flags: "sn", values: "dfcbO" }, async (process, options) => {
  const list = options.value("f") ?? options.value("c") ?? options.value("b");
  if (list === undefined) {
    await complain(process, "expected a list of bytes, characters, or fields");
    return 1;
  }
  const wanted = parseList(list);
  const delimiter = options.value("d") ?? "\t";
  return forEachInput(process, options.operands, async (input) => {
    for await (const raw of linesOf(input)) {
      const line = raw.replace(/\n$/, "");
      if (!options.has("f")) {
        await process.stdout.write(
          `${line
            .split("")
            .filter((_, i) => wanted(i + 1))
            .join("")}\n`,
        );
      } else if (line.includes(delimiter)) {
        await process.stdout.write(
          `${line
            .split(delimiter)
            .filter((_, i) => wanted(i + 1))
            .join(delimiter)}\n`,
        );
      } else if (!options.has("s")) await process.stdout.write(`${line}\n`);
    }
  });
});

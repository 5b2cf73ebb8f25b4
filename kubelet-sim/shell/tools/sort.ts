import type { Options } from "../text/options.js";
import { forEachInput, collectLines, tool } from "../tool.js";

export const sort = tool({ flags: "nrufbhsVzcdgM", values: "kto" }, async (process, options) => {
  const lines: string[] = [];
  const status = await forEachInput(process, options.operands, async (input) => {
    for (const line of await collectLines(input)) lines.push(line.replace(/\n$/, ""));
  });
  lines.sort(comparison(options));
  if (options.has("r")) lines.reverse();
  const key = keyOf(options);
  const shown = options.has("u")
    ? lines.filter((line, i) => i === 0 || key(line) !== key(lines[i - 1] ?? ""))
    : lines;
  const text = shown.map((line) => `${line}\n`).join("");
  const target = options.value("o");
  if (target === undefined) await process.stdout.write(text);
  else process.files.writeFile(process.path(target), text);
  return status;
});

function keyOf(options: Options): (line: string) => string {
  const spec = options.value("k");
  if (spec === undefined) return (line) => (options.has("f") ? line.toLowerCase() : line);
  const [from = "1", to] = spec.split(",");
  const start = Number.parseInt(from, 10) - 1;
  const end = to === undefined ? undefined : Number.parseInt(to, 10);
  const separator = options.value("t");
  return (line) => {
    const fields = separator === undefined ? line.trim().split(/\s+/) : line.split(separator);
    return fields.slice(start, end).join(separator ?? " ");
  };
}

function comparison(options: Options): (a: string, b: string) => number {
  const key = keyOf(options);
  const spec = options.value("k") ?? "";
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  if (options.has("n") || options.has("g") || options.has("h") || /n/.test(spec)) {
    const number = (line: string): number => Number.parseFloat(key(line)) || 0;
    return (a, b) => number(a) - number(b) || text(a, b);
  }
  return (a, b) => text(key(a), key(b)) || text(a, b);
}

import type { Process } from "../../images/process.js";
import { toRegExpSource } from "../text/posix-regexp.js";
import type { Options } from "../text/options.js";
import { complain, forEachInput, linesOf, tool } from "../tool.js";

export const grep = tool(
  {
    flags: "EFivcnqlLhHowxrRsaG",
    values: "emABC",
    long: {
      color: "ignored",
      "ignore-case": "i",
      "max-count": "m",
      quiet: "q",
      "invert-match": "v",
      "extended-regexp": "E",
      "line-number": "n",
      count: "c",
      "only-matching": "o",
    },
  },
  async (process, options) => {
    const operands = [...options.operands];
    const patterns = options.has("e") ? options.all("e") : [operands.shift() ?? ""];
    const expression = expressionOf(options, patterns);
    if (!expression) {
      await complain(process, `bad regex '${patterns.join("\n")}'`);
      return 2;
    }
    const recursive = options.has("r") || options.has("R");
    const paths = recursive ? filesBelow(process, operands.length > 0 ? operands : ["."]) : operands;
    const named = (paths.length > 1 || recursive || options.has("H")) && !options.has("h");
    let matched = false;
    const failed = await forEachInput(process, paths, async (input, path) => {
      const count = await search(process, options, expression, input, named ? `${path}:` : "");
      matched ||= count > 0;
      if (options.has("q")) return;
      if (options.has("c")) await process.stdout.write(`${named ? `${path}:` : ""}${count}\n`);
      if ((options.has("l") && count > 0) || (options.has("L") && count === 0))
        await process.stdout.write(`${path}\n`);
    });
    return matched ? 0 : failed ? 2 : 1;
  },
);

function expressionOf(options: Options, patterns: readonly string[]): RegExp | undefined {
  const sources = patterns
    .flatMap((pattern) => pattern.split("\n"))
    .map((pattern) =>
      options.has("F")
        ? pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
        : toRegExpSource(pattern, options.has("E")),
    )
    .map((source) =>
      options.has("w") ? `\\b(?:${source})\\b` : options.has("x") ? `^(?:${source})$` : source,
    );
  try {
    return new RegExp(sources.join("|"), options.has("i") ? "gi" : "g");
  } catch {
    return undefined; // the pattern's own fault, reported by the caller
  }
}

async function search(
  process: Process,
  options: Options,
  expression: RegExp,
  input: Parameters<typeof linesOf>[0],
  prefix: string,
): Promise<number> {
  const silent = ["q", "c", "l", "L"].some((flag) => options.has(flag));
  const most = options.has("m") ? Number(options.value("m")) : Infinity;
  const before = Number(options.value("B") ?? options.value("C") ?? 0);
  const after = Number(options.value("A") ?? options.value("C") ?? 0);
  let held: string[] = [];
  let following = 0;
  let count = 0;
  let number = 0;
  const print = (text: string): Promise<void> =>
    process.stdout.write(`${prefix}${options.has("n") ? `${number}:` : ""}${text}\n`);
  for await (const line of linesOf(input)) {
    number++;
    const text = line.replace(/\n$/, "");
    const found = [...text.matchAll(expression)];
    if (found.length > 0 !== options.has("v")) {
      count++;
      if (options.has("q")) return count;
      if (!silent) {
        for (const earlier of held) await print(earlier);
        if (options.has("o")) for (const match of found) await print(match[0]);
        else await print(text);
      }
      held = [];
      following = after;
      if (count >= most) break;
    } else if (following > 0 && !silent) {
      following--;
      await print(text);
    } else if (before > 0) held = [...held, text].slice(-before);
  }
  return count;
}

function filesBelow(process: Process, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const absolute = process.path(path);
    if (process.files.stat(absolute)?.kind !== "directory") return [path];
    return filesBelow(
      process,
      process.files.list(absolute).map((name) => (path === "." ? name : `${path}/${name}`)),
    );
  });
}

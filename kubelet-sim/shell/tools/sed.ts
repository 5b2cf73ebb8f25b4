import { FileError } from "../../images/files.js";
import type { Process } from "../../images/process.js";
import { parseSedScript, type SedCommand, SedError, selects } from "../text/sed-script.js";
import { complain, forEachInput, collectLines, tool } from "../tool.js";

export const sed = tool(
  {
    flags: "nErisz",
    values: "ef",
    long: { quiet: "n", "regexp-extended": "E", expression: "e", "in-place": "i" },
  },
  async (process, options) => {
    const operands = [...options.operands];
    const script = options.has("e")
      ? options.all("e").join("\n")
      : options.has("f")
        ? process.files.readText(process.path(options.value("f") ?? ""))
        : (operands.shift() ?? "");
    let commands: SedCommand[];
    try {
      commands = parseSedScript(script, options.has("E") || options.has("r"));
    } catch (err) {
      if (!(err instanceof SedError)) throw err;
      await complain(process, err.message);
      return 1;
    }
    const quiet = options.has("n");
    if (!options.has("i")) {
      let lines: string[] = [];
      const status = await forEachInput(process, operands, async (input) => {
        lines = [...lines, ...(await collectLines(input))];
      });
      for (const text of edit(lines, commands, quiet)) await process.stdout.write(text);
      return status;
    }
    return editInPlace(process, operands, commands, quiet);
  },
);

async function editInPlace(
  process: Process,
  paths: readonly string[],
  commands: readonly SedCommand[],
  quiet: boolean,
): Promise<number> {
  for (const path of paths) {
    try {
      const lines = process.files.readText(process.path(path)).split(/(?<=\n)/);
      process.files.writeFile(process.path(path), [...edit(lines, commands, quiet)].join(""));
    } catch (err) {
      if (!(err instanceof FileError)) throw err;
      await complain(process, `${path}: ${err.message}`);
      return 1;
    }
  }
  return 0;
}

/** The output, line by line. */
function* edit(lines: readonly string[], commands: readonly SedCommand[], quiet: boolean): Generator<string> {
  const active = new Map<SedCommand, boolean>();
  for (const [i, line] of lines.entries()) {
    let text = line.replace(/\n$/, "");
    const end = line.endsWith("\n") ? "\n" : "";
    let deleted = false;
    let after = "";
    let quits = false;
    for (const command of commands) {
      if (!selects(command, i + 1, i === lines.length - 1, text, active)) continue;
      if (command.kind === "s") {
        const next = command.substitute(text);
        if (next !== undefined && command.prints) yield `${next}\n`;
        text = next ?? text;
      } else if (command.kind === "p") yield `${text}\n`;
      else if (command.kind === "=") yield `${i + 1}\n`;
      else if (command.kind === "i") yield `${command.text}\n`;
      else if (command.kind === "a") after += `${command.text}\n`;
      else if (command.kind === "c") {
        yield `${command.text}\n`;
        deleted = true;
      } else if (command.kind === "y") text = command.translate(text);
      else if (command.kind === "q") quits = true;
      else deleted = true;
      if (deleted || quits) break;
    }
    if (!deleted && !quiet) yield text + (after !== "" || end !== "" ? "\n" : "");
    if (after !== "") yield after;
    if (quits) return;
  }
}

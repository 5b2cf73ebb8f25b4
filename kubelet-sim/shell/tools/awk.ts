import { AwkError } from "../awk/ast.js";
import { AwkMachine } from "../awk/machine.js";
import { parseAwk } from "../awk/parser.js";
import { decodeEscapes } from "../text/echo-text.js";
import { complain, forEachInput, linesOf, tool } from "../tool.js";

/** awk without user functions and redirections. */
export const awk = tool({ values: "Fvf", strict: true }, async (process, options) => {
  const operands = [...options.operands];
  const file = options.value("f");
  const text = file === undefined ? (operands.shift() ?? "") : process.files.readText(process.path(file));
  try {
    const machine = new AwkMachine(parseAwk(text));
    const separator = options.value("F");
    if (separator !== undefined)
      machine.store.set("FS", separator === "t" ? "\t" : decodeEscapes(separator).text);
    for (const assignment of options.all("v")) {
      const equals = assignment.indexOf("=");
      machine.store.set(assignment.slice(0, equals), {
        text: decodeEscapes(assignment.slice(equals + 1)).text,
      });
    }
    for (const [name, value] of process.environment)
      machine.store.setElement("ENVIRON", name, { text: value });
    await process.stdout.write(machine.runSpecial("BEGIN"));
    let status = 0;
    if (machine.readsInput && !machine.exited) {
      status = await forEachInput(process, operands, async (input, path) => {
        machine.store.set("FILENAME", path === "-" ? "" : path);
        machine.store.set("FNR", 0);
        for await (const line of linesOf(input)) {
          if (machine.exited) return;
          const output = machine.runRecord(line.replace(/\n$/, ""));
          if (output !== "") await process.stdout.write(output);
        }
      });
    }
    await process.stdout.write(machine.runSpecial("END"));
    return machine.exitStatus || status;
  } catch (err) {
    if (!(err instanceof AwkError || err instanceof SyntaxError)) throw err;
    await complain(process, `cmd. line:1: ${err.message}`);
    return 2;
  }
});

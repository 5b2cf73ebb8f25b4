import type { OpenFile } from "../images/process.js";
import { completeWord } from "./complete-word.js";
import { ControlFlow } from "./control-flow.js";
import { LineEditor, type TypedLine } from "./line-editor.js";
import { Parser } from "./parser.js";
import { ShellSyntaxError } from "./scanner.js";
import type { Shell } from "./shell.js";

type ReadLine = (prompt: string) => Promise<TypedLine>;

/** Reads and runs standard input; with a terminal it prompts and survives errors and Ctrl-C. */
export async function runLines(shell: Shell): Promise<number> {
  const { process } = shell;
  if (shell.interactive) {
    process.onSignal("SIGTERM", "ignore");
    process.onSignal("SIGINT", () => {});
  }
  const next = lineSource(shell);
  let text = "";
  for (;;) {
    const line = await next(text === "" ? promptOf(shell) : "> ");
    if (line.kind === "end") break;
    if (line.kind === "interrupted") {
      text = "";
      shell.state.lastStatus = 130;
      continue;
    }
    text += line.text;
    if (await runIfComplete(shell, text, false)) text = "";
  }
  if (text !== "") await runIfComplete(shell, text, true);
  if (shell.interactive) await process.stderr.write("\n");
  return shell.state.lastStatus;
}

function lineSource(shell: Shell): ReadLine {
  const { process, interactive } = shell;
  if (interactive && process.stdin.terminal) {
    const editor = new LineEditor(process, (text) => completeWord(shell, text));
    return (prompt) => editor.read(prompt);
  }
  return async (prompt) => {
    if (interactive) await process.stderr.write(prompt);
    const text = await readLine(process.stdin);
    return text === undefined ? { kind: "end" } : { kind: "line", text };
  };
}

/** False when the text ends inside a construct: the next line belongs to it. */
async function runIfComplete(shell: Shell, text: string, isLast: boolean): Promise<boolean> {
  if (!isLast && text.endsWith("\\\n")) return false;
  try {
    const lists = [];
    const parser = new Parser(text);
    for (let list = parser.next(); list; list = parser.next()) lists.push(list);
    for (const list of lists) await shell.runList(list);
  } catch (err) {
    if (err instanceof ShellSyntaxError && err.incomplete && !isLast) return false;
    if (!shell.interactive || (err instanceof ControlFlow && err.kind === "exit")) throw err;
    if (!(err instanceof ControlFlow)) shell.state.lastStatus = await shell.report(err);
  }
  return true;
}

function promptOf(shell: Shell): string {
  const home = shell.state.get("HOME");
  const { cwd } = shell.process;
  // bash's prompt, where an image has it.
  const [name = ""] = shell.process.argv;
  if (name.endsWith("bash")) return `root@${shell.process.hostname}:${cwd}# `;
  const inHome = home && home !== "/" && (cwd === home || cwd.startsWith(`${home}/`));
  return `${inHome ? `~${cwd.slice(home.length)}` : cwd} # `;
}

/** One line with its end; what was read too far is put back for the commands of the line. */
async function readLine(input: OpenFile): Promise<string | undefined> {
  let line = "";
  for (;;) {
    const bytes = await input.read();
    if (!bytes) return line === "" ? undefined : line;
    const newline = bytes.indexOf(10);
    if (newline >= 0) {
      if (newline + 1 < bytes.length) input.unread(bytes.subarray(newline + 1));
      return line + Buffer.from(bytes.subarray(0, newline + 1)).toString("utf8");
    }
    line += Buffer.from(bytes).toString("utf8");
  }
}

import { FileError } from "../images/files.js";
import type { OpenFile, Process } from "../images/process.js";
import { Parser } from "./parser.js";
import { ShellSyntaxError } from "./scanner.js";
import { ControlFlow } from "./control-flow.js";
import { Shell } from "./shell.js";
import { ShellState } from "./state.js";

interface Invocation {
  name: string;
  positional: string[];
  options: string[];
  text: string | undefined;
  interactive: boolean;
}

/** `sh [-eux] [-c text [name args…] | file args…]`, else its standard input, line by line. */
export async function sh(process: Process): Promise<number> {
  const invocation = parseInvocation(process);
  if (typeof invocation === "string") {
    await process.stderr.write(`sh: ${invocation}\n`);
    return 2;
  }
  const state = new ShellState(invocation.name, invocation.positional, process.id);
  state.importEnvironment(process.environment);
  state.set("PWD", process.cwd);
  state.mark("PWD", { exported: true });
  for (const option of invocation.options) state.options.add(option);
  const shell = new Shell(process, state, invocation.interactive);
  const { text } = invocation;
  return shell.runToExit(() => (text === undefined ? runLines(shell) : shell.runText(text, true)));
}

function parseInvocation(process: Process): Invocation | string {
  const [name = "sh", ...args] = process.argv;
  const options: string[] = [];
  let wantsText = false;
  let interactive = false;
  let i = 0;
  for (; i < args.length && /^[-+]./.test(args[i] ?? ""); i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      i++;
      break;
    }
    if (arg.startsWith("--")) continue;
    for (const letter of arg.slice(1)) {
      if (letter === "c") wantsText = true;
      else if (letter === "i") interactive = true;
      else if (letter === "o") options.push(args[++i] ?? "");
      else if (letter !== "s" && letter !== "l") options.push(letter);
    }
  }
  const rest = args.slice(i);
  const shellName = name.startsWith("/") ? name : (name.split("/").at(-1) ?? name);
  if (wantsText) {
    const [text, called, ...positional] = rest;
    if (text === undefined) return "-c requires an argument";
    return { name: called ?? shellName, positional, options, text, interactive };
  }
  const [path, ...positional] = rest;
  if (path === undefined) {
    const terminal = process.stdin.terminal !== undefined;
    return {
      name: shellName,
      positional: [],
      options,
      text: undefined,
      interactive: interactive || terminal,
    };
  }
  try {
    return { name: path, positional, options, text: process.files.readText(process.path(path)), interactive };
  } catch (err) {
    if (!(err instanceof FileError)) throw err;
    return `can't open '${path}': ${err.message}`;
  }
}

/** Reads and runs standard input; with a terminal it prompts and survives errors and Ctrl-C. */
async function runLines(shell: Shell): Promise<number> {
  const { process } = shell;
  let text = "";
  let reading = false;
  if (shell.interactive) {
    process.onSignal("SIGTERM", "ignore");
    process.onSignal("SIGINT", () => {
      text = "";
      if (reading) process.background(() => process.stderr.write(promptOf(shell)));
    });
  }
  for (;;) {
    if (shell.interactive) await process.stderr.write(text === "" ? promptOf(shell) : "> ");
    reading = true;
    const line = await readLine(process.stdin);
    reading = false;
    if (line === undefined) break;
    text += line;
    if (await runIfComplete(shell, text, false)) text = "";
  }
  if (text !== "") await runIfComplete(shell, text, true);
  if (shell.interactive) await process.stderr.write("\n");
  return shell.state.lastStatus;
}

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
  const shown =
    home && home !== "/" && (cwd === home || cwd.startsWith(`${home}/`)) ? `~${cwd.slice(home.length)}` : cwd;
  return `${shown} # `;
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

import { FileError } from "../images/files.js";
import type { Process } from "../images/process.js";
import { runLines } from "./run-lines.js";
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

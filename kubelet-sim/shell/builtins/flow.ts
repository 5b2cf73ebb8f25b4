import { FileError } from "../../images/files.js";
import { ExecError } from "../../images/process.js";
import { ControlFlow } from "../control-flow.js";
import { complainOf } from "../exec-complaint.js";
import { ShellError } from "../state.js";
import type { Builtin } from "./builtin.js";

export const colon: Builtin = () => 0;
export const fail: Builtin = () => 1;

const countOf = (name: string, text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback;
  if (!/^\d+$/.test(text)) throw new ShellError(`${name}: Illegal number: ${text}`);
  return Number(text);
};

export const breakLoop: Builtin = (shell, [count]) => {
  const levels = countOf("break", count, 1);
  if (shell.loopDepth === 0) return 0;
  throw new ControlFlow("break", Math.min(levels, shell.loopDepth));
};

export const continueLoop: Builtin = (shell, [count]) => {
  const levels = countOf("continue", count, 1);
  if (shell.loopDepth === 0) return 0;
  throw new ControlFlow("continue", Math.min(levels, shell.loopDepth));
};

export const returnFrom: Builtin = (shell, [status]) => {
  throw new ControlFlow("return", countOf("return", status, shell.state.lastStatus));
};

export const exitShell: Builtin = (shell, [status]) => {
  throw new ControlFlow("exit", countOf("exit", status, shell.state.lastStatus));
};

export const evalText: Builtin = (shell, args) => shell.runText(args.join(" "));

export const source: Builtin = async (shell, [path, ...args], name) => {
  if (path === undefined) throw new ShellError(`${name}: filename argument required`);
  const { process, state } = shell;
  let text: string;
  try {
    text = process.files.readText(process.path(path));
  } catch (err) {
    if (!(err instanceof FileError)) throw err;
    throw new ShellError(`${name}: can't open '${path}': ${err.message}`);
  }
  const positional = state.positional;
  if (args.length > 0) state.positional = [...args];
  try {
    return await shell.runText(text);
  } catch (err) {
    if (err instanceof ControlFlow && err.kind === "return") return err.value;
    throw err;
  } finally {
    if (args.length > 0) state.positional = positional;
  }
};

export const execProgram: Builtin = async (shell, args) => {
  const { process, state } = shell;
  process.environment.clear();
  for (const [name, value] of state.environment()) process.environment.set(name, value);
  try {
    process.which(args[0] ?? "");
    state.traps.clear();
    throw new ControlFlow("exit", await process.exec(args));
  } catch (err) {
    if (!(err instanceof ExecError)) throw err;
    throw new ControlFlow("exit", await complainOf(shell, args[0] ?? "", err));
  }
};

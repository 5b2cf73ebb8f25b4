import { ExecError } from "../../images/process.js";
import { FileError } from "../../images/files.js";
import { echoText } from "../text/echo-text.js";
import { formatPrintf } from "../text/printf-text.js";
import type { Builtin } from "./builtin.js";

export const echo: Builtin = async (shell, args) => {
  await shell.process.stdout.write(echoText(args));
  return 0;
};

export const printf: Builtin = async (shell, args) => {
  const [format, ...values] = args;
  if (format === undefined) {
    await shell.complain("usage: printf FORMAT [ARG]...");
    return 1;
  }
  const { text, errors } = formatPrintf(format, values);
  await shell.process.stdout.write(text);
  for (const error of errors) await shell.complain(error);
  return errors.length > 0 ? 1 : 0;
};

export const printWorkingDirectory: Builtin = async (shell) => {
  await shell.process.stdout.write(`${shell.process.cwd}\n`);
  return 0;
};

export const changeDirectory: Builtin = async (shell, args) => {
  const { process, state } = shell;
  const [wanted = state.get("HOME") ?? "/"] = args.filter((arg) => arg !== "-P" && arg !== "-L");
  const target = wanted === "-" ? (state.get("OLDPWD") ?? "") : wanted;
  const path = process.path(target);
  const stat = process.files.stat(path);
  if (stat?.kind !== "directory") {
    const reason = new FileError(stat ? "ENOTDIR" : "ENOENT").message;
    await shell.complain(`cd: can't cd to ${target}: ${reason}`);
    return 1;
  }
  state.set("OLDPWD", process.cwd);
  process.cwd = path;
  state.set("PWD", path);
  if (wanted === "-") await process.stdout.write(`${path}\n`);
  return 0;
};

/** `command -v name` says what a name is; `command name` skips functions. */
export const commandBuiltin: Builtin = async (shell, args) => {
  const [option, ...rest] = args;
  if (option === "-v" || option === "-V") {
    const found = rest.map((name) => describe(shell, name)).filter((text) => text !== undefined);
    for (const { path } of found) await shell.process.stdout.write(`${path}\n`);
    return found.length === rest.length && rest.length > 0 ? 0 : 127;
  }
  const [name = ""] = args;
  const body = shell.state.functions.get(name);
  shell.state.functions.delete(name);
  try {
    const words = args.map((text) => [{ kind: "text" as const, text, quoted: true }]);
    return await shell.run({ kind: "simple", assignments: [], words, redirects: [] });
  } finally {
    if (body) shell.state.functions.set(name, body);
  }
};

export const type: Builtin = async (shell, args) => {
  let status = 0;
  for (const name of args) {
    const found = describe(shell, name);
    if (!found) status = 127;
    await shell.process.stdout.write(found ? `${name} is ${found.what}\n` : `${name}: not found\n`);
  }
  return status;
};

function describe(shell: Parameters<Builtin>[0], name: string): { path: string; what: string } | undefined {
  if (shell.state.functions.has(name)) return { path: name, what: "a function" };
  if (shell.isBuiltin(name)) return { path: name, what: "a shell builtin" };
  try {
    const path = shell.process.which(name);
    return { path, what: path };
  } catch (err) {
    if (err instanceof ExecError) return undefined;
    throw err;
  }
}

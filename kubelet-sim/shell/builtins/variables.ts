import { ShellError } from "../state.js";
import type { Builtin } from "./builtin.js";

const NAME = /^[A-Za-z_]\w*$/;

/** `name` or `name=value`. Throws ShellError. */
function parseAssignment(arg: string, builtin: string): { name: string; value: string | undefined } {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg : arg.slice(0, equals);
  if (!NAME.test(name)) throw new ShellError(`${builtin}: ${name}: bad variable name`);
  return { name, value: equals < 0 ? undefined : arg.slice(equals + 1) };
}

const quote = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

export const exportVariables: Builtin = async (shell, args) => {
  const names = args.filter((arg) => arg !== "-p");
  if (names.length === 0) {
    for (const [name, value] of [...shell.state.environment()].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await shell.process.stdout.write(`export ${name}=${quote(value)}\n`);
    }
  }
  for (const arg of names) {
    const { name, value } = parseAssignment(arg, "export");
    if (value !== undefined) shell.state.set(name, value);
    shell.state.mark(name, { exported: true });
  }
  return 0;
};

export const readonly: Builtin = (shell, args) => {
  for (const arg of args.filter((text) => text !== "-p")) {
    const { name, value } = parseAssignment(arg, "readonly");
    if (value !== undefined) shell.state.set(name, value);
    shell.state.mark(name, { readonly: true });
  }
  return 0;
};

export const local: Builtin = (shell, args) => {
  for (const arg of args) {
    const { name, value } = parseAssignment(arg, "local");
    if (!shell.state.declareLocal(name)) throw new ShellError("local: not in a function");
    if (value !== undefined) shell.state.set(name, value);
  }
  return 0;
};

export const unset: Builtin = (shell, args) => {
  for (const name of args.filter((arg) => !arg.startsWith("-"))) {
    if (args[0] === "-f") shell.state.functions.delete(name);
    else shell.state.unset(name);
  }
  return 0;
};

export const shift: Builtin = (shell, [count = "1"]) => {
  const by = Number(count);
  if (!(by <= shell.state.positional.length)) throw new ShellError("shift: can't shift that many", 1);
  shell.state.positional = shell.state.positional.slice(by);
  return 0;
};

const OPTION_NAMES: Readonly<Record<string, string>> = {
  errexit: "e",
  nounset: "u",
  xtrace: "x",
  noglob: "f",
  allexport: "a",
  pipefail: "pipefail",
};

/** `set -eux -o pipefail`, `set -- a b`, and without arguments all variables. */
export const set: Builtin = async (shell, args) => {
  const { state } = shell;
  if (args.length === 0) {
    for (const [name, { value }] of [...state.variables].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (value !== undefined) await shell.process.stdout.write(`${name}=${quote(value)}\n`);
    }
    return 0;
  }
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--" || !/^[-+]/.test(arg)) break;
    const on = arg.startsWith("-");
    for (const letter of arg.slice(1)) {
      const option = letter === "o" ? OPTION_NAMES[args[++i] ?? ""] : letter;
      if (option === undefined) continue;
      if (on) state.options.add(option);
      else state.options.delete(option);
    }
  }
  if (i < args.length) state.positional = args.slice(args[i] === "--" ? i + 1 : i);
  return 0;
};

/** POSIX getopts, OPTIND and OPTARG kept in variables. */
export const getopts: Builtin = async (shell, [optionString = "", name = "", ...rest]) => {
  const { state } = shell;
  const args = rest.length > 0 ? rest : state.positional;
  const [index, offset] = (state.get("OPTIND") ?? "1").split("/").map(Number);
  const at = (index ?? 1) - 1;
  const arg = args[at];
  state.unset("OPTARG");
  if (arg === undefined || !/^-./.test(arg) || arg === "--") {
    if (arg === "--") state.set("OPTIND", String(at + 2));
    state.set(name, "?");
    return 1;
  }
  const position = offset ?? 1;
  const letter = arg[position] ?? "";
  const spec = optionString.indexOf(letter);
  const wantsValue = spec >= 0 && optionString[spec + 1] === ":";
  const isLast = position >= arg.length - 1;
  state.set("OPTIND", isLast || wantsValue ? String(at + 2) : `${at + 1}/${position + 1}`);
  if (spec < 0 || letter === ":") return invalidOption(shell, optionString, name, letter);
  if (wantsValue) {
    state.set("OPTARG", isLast ? args[at + 1] : arg.slice(position + 1));
    if (isLast) state.set("OPTIND", String(at + 3));
  }
  state.set(name, letter);
  return 0;
};

async function invalidOption(
  shell: Parameters<Builtin>[0],
  optionString: string,
  name: string,
  letter: string,
): Promise<number> {
  shell.state.set(name, "?");
  if (optionString.startsWith(":")) shell.state.set("OPTARG", letter);
  else await shell.complain(`illegal option -${letter}`);
  return 0;
}

export const umask: Builtin = async (shell, args) => {
  if (args.length === 0) await shell.process.stdout.write("0022\n");
  return 0;
};

/** Aliases are for people at a terminal; scripts of pods do not need them. */
export const alias: Builtin = () => 0;

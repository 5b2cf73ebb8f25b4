import { joinPath } from "../images/files.js";
import { builtins } from "./builtins/builtins.js";
import type { Completion } from "./line-editor.js";
import type { Shell } from "./shell.js";

const MOST_CHOICES = 100;

/** Completes the last word of a command line: programs in first place, else paths. */
export function completeWord(shell: Shell, text: string): Completion {
  const word = /[^\s;&|<>()"']*$/.exec(text)?.[0] ?? "";
  const before = text.slice(0, text.length - word.length).trimEnd();
  const isCommand = (before === "" || /[;&|(]$/.test(before)) && !word.includes("/");
  const { stem, names } = isCommand ? commandNames(shell, word) : pathNames(shell, word);
  const matching = [...new Set(names)].filter((name) => name.startsWith(stem)).sort();
  const [only] = matching;
  if (only === undefined) return { insert: "", choices: [] };
  if (matching.length === 1) {
    return { insert: only.slice(stem.length) + (only.endsWith("/") ? "" : " "), choices: [] };
  }
  return { insert: commonPrefix(matching).slice(stem.length), choices: matching.slice(0, MOST_CHOICES) };
}

function commandNames(shell: Shell, word: string): { stem: string; names: string[] } {
  const { files } = shell.process;
  const directories = (shell.state.get("PATH") ?? "/bin:/usr/bin").split(":");
  const programs = directories.flatMap((directory) =>
    files.stat(directory)?.kind === "directory" ? files.list(directory) : [],
  );
  return { stem: word, names: [...programs, ...Object.keys(builtins), ...shell.state.functions.keys()] };
}

function pathNames(shell: Shell, word: string): { stem: string; names: string[] } {
  const { files, cwd } = shell.process;
  const slash = word.lastIndexOf("/");
  const directory = joinPath(cwd, slash < 0 ? "." : word.slice(0, slash + 1));
  const stem = word.slice(slash + 1);
  if (files.stat(directory)?.kind !== "directory") return { stem, names: [] };
  const names = files
    .list(directory)
    .filter((name) => stem.startsWith(".") || !name.startsWith("."))
    .map((name) => (files.stat(joinPath(directory, name))?.kind === "directory" ? `${name}/` : name));
  return { stem, names };
}

function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? "";
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

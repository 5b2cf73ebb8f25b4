import { FileError, joinPath, nameOf } from "../../images/files.js";
import type { Process } from "../../images/process.js";
import { complain, tool } from "../tool.js";

/** Does one thing to each path; a FileError is printed and makes the status 1. */
async function forEachPath(
  process: Process,
  paths: readonly string[],
  verb: string,
  change: (path: string) => void,
): Promise<number> {
  let status = 0;
  for (const path of paths) {
    try {
      change(process.path(path));
    } catch (err) {
      if (!(err instanceof FileError)) throw err;
      await complain(process, `${verb} '${path}': ${err.message}`);
      status = 1;
    }
  }
  return status;
}

export const mkdir = tool({ flags: "pv", values: "m" }, (process, options) =>
  forEachPath(process, options.operands, "can't create directory", (path) =>
    process.files.makeDirectory(path, { parents: options.has("p") }),
  ),
);

export const rmdir = tool({ flags: "p" }, (process, options) =>
  forEachPath(process, options.operands, "can't remove", (path) => process.files.remove(path)),
);

export const rm = tool({ flags: "rRfiv" }, (process, options) =>
  forEachPath(process, options.operands, "can't remove", (path) => {
    const stat = process.files.stat(path);
    if (!stat && options.has("f")) return;
    const recursive = options.has("r") || options.has("R");
    if (stat?.kind === "directory" && !recursive) throw new FileError("EISDIR");
    process.files.remove(path, { recursive });
  }),
);

export const touch = tool({ flags: "camh", values: "rdt" }, (process, options) =>
  forEachPath(process, options.operands, "can't touch", (path) => {
    if (process.files.stat(path)?.kind === "directory") return;
    if (process.files.stat(path) || !options.has("c")) process.files.writeFile(path, "", { append: true });
  }),
);

export const chmod = tool({ flags: "Rvf", strict: true }, async (process, options) => {
  const [mode = "", ...paths] = options.operands;
  return forEachPath(process, paths, "can't change", (path) => {
    const before = process.files.stat(path)?.mode ?? 0o644;
    process.files.setMode(path, parseMode(mode, before));
  });
});

/** `755`, `+x`, `u+rw`, `go-w`. */
function parseMode(text: string, before: number): number {
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  let mode = before;
  for (const clause of text.split(",")) {
    const match = /^([ugoa]*)([-+=])([rwx]*)$/.exec(clause);
    if (!match) continue;
    const [, who = "", operator = "+", what = ""] = match;
    const bits = (what.includes("r") ? 4 : 0) | (what.includes("w") ? 2 : 0) | (what.includes("x") ? 1 : 0);
    const everyone = who === "" || who.includes("a");
    for (const [letter, shift] of [
      ["u", 6],
      ["g", 3],
      ["o", 0],
    ] as const) {
      if (!everyone && !who.includes(letter)) continue;
      if (operator === "-") mode &= ~(bits << shift);
      else mode = (operator === "=" ? mode & ~(7 << shift) : mode) | (bits << shift);
    }
  }
  return mode;
}

/** Where `source` goes when the last operand is a directory. */
function destination(process: Process, source: string, target: string): string {
  const path = process.path(target);
  return process.files.stat(path)?.kind === "directory" ? joinPath(path, nameOf(process.path(source))) : path;
}

export const mv = tool({ flags: "fnivT" }, (process, options) => {
  const target = options.operands.at(-1) ?? "";
  return forEachPath(process, options.operands.slice(0, -1), "can't rename", (path) =>
    process.files.rename(path, destination(process, path, target)),
  );
});

export const cp = tool({ flags: "rRafpniLPdT" }, (process, options) => {
  const target = options.operands.at(-1) ?? "";
  const recursive = ["r", "R", "a"].some((flag) => options.has(flag));
  return forEachPath(process, options.operands.slice(0, -1), "can't stat", (path) =>
    copy(process, path, destination(process, path, target), recursive),
  );
});

function copy(process: Process, from: string, to: string, recursive: boolean): void {
  const { files } = process;
  if (files.stat(from)?.kind !== "directory") {
    files.writeFile(to, files.readFile(from).slice(), { mode: files.stat(from)?.mode ?? 0o644 });
    return;
  }
  if (!recursive) throw new FileError("EISDIR");
  files.makeDirectory(to, { parents: true });
  for (const name of files.list(from)) copy(process, joinPath(from, name), joinPath(to, name), true);
}

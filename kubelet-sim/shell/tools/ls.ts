import { FileError, type FileStat, joinPath, nameOf, parentOf } from "../../images/files.js";
import type { Process } from "../../images/process.js";
import type { Options } from "../text/options.js";
import { formatMode, formatListTime } from "../text/file-stat.js";
import { complain, tool } from "../tool.js";

export const ls = tool(
  { flags: "1AaCdlhRrStiFpLn", long: { color: "ignored", all: "a" } },
  async (process, options) => {
    const paths = options.operands.length > 0 ? options.operands : ["."];
    let status = 0;
    const files: string[] = [];
    const directories: string[] = [];
    for (const path of paths) {
      const stat = process.files.stat(process.path(path));
      if (!stat) {
        await complain(process, `${path}: ${new FileError("ENOENT").message}`);
        status = 1;
      } else if (stat.kind === "directory" && !options.has("d")) directories.push(path);
      else files.push(path);
    }
    if (files.length > 0) await list(process, options, files, (path) => process.path(path));
    for (const [i, path] of directories.entries()) {
      if (i > 0 || files.length > 0) await process.stdout.write("\n");
      await listDirectory(process, options, path, paths.length > 1 || options.has("R"));
    }
    return status;
  },
);

async function listDirectory(
  process: Process,
  options: Options,
  path: string,
  titled: boolean,
): Promise<void> {
  const absolute = process.path(path);
  if (titled) await process.stdout.write(`${path}:\n`);
  const hidden = options.has("a") ? [".", ".."] : [];
  const names = process.files
    .list(absolute)
    .filter((name) => options.has("a") || options.has("A") || !name.startsWith("."));
  const all = [...hidden, ...names];
  if (options.has("l")) await process.stdout.write(`total ${names.length * 4}\n`);
  await list(process, options, all, (name) =>
    name === ".." ? parentOf(absolute) : joinPath(absolute, name),
  );
  if (!options.has("R")) return;
  for (const name of names) {
    if (process.files.stat(joinPath(absolute, name))?.kind !== "directory") continue;
    await process.stdout.write("\n");
    await listDirectory(process, options, `${path}/${name}`, true);
  }
}

async function list(
  process: Process,
  options: Options,
  names: readonly string[],
  pathOf: (name: string) => string,
): Promise<void> {
  const entries = names.map((name) => ({ name, stat: process.files.stat(pathOf(name)) }));
  if (options.has("t")) entries.sort((a, b) => (b.stat?.modifiedAtMs ?? 0) - (a.stat?.modifiedAtMs ?? 0));
  if (options.has("S")) entries.sort((a, b) => (b.stat?.sizeBytes ?? 0) - (a.stat?.sizeBytes ?? 0));
  if (options.has("r")) entries.reverse();
  if (options.has("l")) {
    for (const { name, stat } of entries) if (stat) await process.stdout.write(`${longLine(name, stat)}\n`);
    return;
  }
  const onOneLine = process.stdout.terminal !== undefined && !options.has("1");
  const shown = entries.map(({ name, stat }) =>
    options.has("F") || options.has("p") ? name + marker(stat) : name,
  );
  if (shown.length > 0)
    await process.stdout.write(onOneLine ? `${shown.join("  ")}\n` : `${shown.join("\n")}\n`);
}

const marker = (stat: FileStat | undefined): string => (stat?.kind === "directory" ? "/" : "");

const longLine = (name: string, stat: FileStat): string =>
  `${formatMode(stat)}    1 root     root     ${String(stat.sizeBytes).padStart(9)} ${formatListTime(stat.modifiedAtMs)} ${name === "" ? nameOf("/") : name}`;

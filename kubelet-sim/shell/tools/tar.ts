import { FileError, joinPath, parentOf } from "../../images/files.js";
import type { Process } from "../../images/process.js";
import { decodeTar, encodeTarEntry, TAR_END, type TarEntry } from "../text/tar-format.js";
import type { Options } from "../text/options.js";
import { complain, readAll, tool } from "../tool.js";

/** tar `c`, `x` and `t`: what `kubectl cp` needs. Compression is not emulated. */
const run = tool(
  {
    flags: "cxtvmpokhzPO",
    values: "fC",
    long: {
      "no-same-owner": "o",
      "no-same-permissions": "ignored",
      "warning=": "",
      file: "f",
      directory: "C",
    },
  },
  async (process, options) => {
    const directory = options.value("C") ?? ".";
    try {
      if (options.has("c")) return await create(process, options, directory);
      return await extract(process, options, directory);
    } catch (err) {
      if (!(err instanceof FileError || err instanceof RangeError)) throw err;
      await complain(process, err.message);
      return 1;
    }
  },
);

/** `tar xf -` is `tar -xf -`. */
export const tar = (process: Process): Promise<number> => {
  const [name = "tar", first = "", ...rest] = process.argv;
  return /^[a-zA-Z]+$/.test(first) ? process.exec([name, `-${first}`, ...rest]) : run(process);
};

async function create(process: Process, options: Options, directory: string): Promise<number> {
  const archive = options.value("f") ?? "-";
  const output = archive === "-" ? process.stdout.dup() : process.open(archive, "write");
  let status = 0;
  for (const operand of options.operands) {
    const path = joinPath(process.path(directory), operand);
    if (!process.files.stat(path)) {
      await complain(process, `${operand}: ${new FileError("ENOENT").message}`);
      status = 1;
      continue;
    }
    // As tar does, names in the archive are relative.
    for (const entry of entriesOf(process, path, operand.replace(/^\/+/, "")))
      await output.write(encodeTarEntry(entry));
  }
  await output.write(TAR_END);
  output.close();
  return status;
}

function* entriesOf(process: Process, path: string, name: string): Generator<TarEntry> {
  const stat = process.files.stat(path);
  if (!stat) return;
  const { mode, modifiedAtMs } = stat;
  if (stat.kind !== "directory") {
    yield { name, kind: "file", mode, modifiedAtMs, content: process.files.readFile(path) };
    return;
  }
  yield { name: name || ".", kind: "directory", mode, modifiedAtMs, content: new Uint8Array() };
  for (const child of process.files.list(path)) {
    yield* entriesOf(process, joinPath(path, child), name ? `${name}/${child}` : child);
  }
}

async function extract(process: Process, options: Options, directory: string): Promise<number> {
  const archive = options.value("f") ?? "-";
  const input = archive === "-" ? process.stdin.dup() : process.open(archive, "read");
  const bytes = await readAll(input);
  input.close();
  for (const entry of decodeTar(bytes)) {
    if (options.has("t") || options.has("v")) await process.stdout.write(`${entry.name}\n`);
    if (options.has("x")) place(process, joinPath(process.path(directory), `./${entry.name}`), entry);
  }
  return 0;
}

function place(process: Process, path: string, entry: TarEntry): void {
  const { files } = process;
  if (entry.kind === "directory") files.makeDirectory(path, { parents: true });
  if (entry.kind !== "file") return;
  if (!files.stat(parentOf(path))) files.makeDirectory(parentOf(path), { parents: true });
  files.writeFile(path, entry.content, { mode: entry.mode });
}

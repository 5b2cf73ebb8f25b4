import { ExecError, type Process } from "../../images/process.js";
import { FileError } from "../../images/files.js";
import { formatMode } from "../text/file-stat.js";
import { complain, tool } from "../tool.js";

export async function pwd(process: Process): Promise<number> {
  await process.stdout.write(`${process.cwd}\n`);
  return 0;
}

export const basename = tool({}, async (process, options) => {
  const [path = "", suffix = ""] = options.operands;
  const name = path.replace(/\/+$/, "").split("/").at(-1) || "/";
  const cut =
    suffix !== "" && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  await process.stdout.write(`${cut}\n`);
  return 0;
});

export const dirname = tool({}, async (process, options) => {
  const path = (options.operands[0] ?? "").replace(/\/+$/, "");
  const slash = path.lastIndexOf("/");
  await process.stdout.write(`${slash < 0 ? "." : path.slice(0, slash) || "/"}\n`);
  return 0;
});

export const realpath = tool({ flags: "f" }, async (process, options) => {
  for (const path of options.operands) await process.stdout.write(`${process.path(path)}\n`);
  return 0;
});

export const which = tool({ flags: "a" }, async (process, options) => {
  let status = 0;
  for (const name of options.operands) {
    try {
      await process.stdout.write(`${process.which(name)}\n`);
    } catch (err) {
      if (!(err instanceof ExecError)) throw err;
      status = 1;
    }
  }
  return status;
});

export const stat = tool({ flags: "Lt", values: "cf" }, async (process, options) => {
  let status = 0;
  for (const path of options.operands) {
    const found = process.files.stat(process.path(path));
    if (!found) {
      await complain(process, `can't stat '${path}': ${new FileError("ENOENT").message}`);
      status = 1;
      continue;
    }
    const octal = found.mode.toString(8);
    const fields: Record<string, string> = {
      n: path,
      s: String(found.sizeBytes),
      a: octal,
      A: formatMode(found),
      Y: String(Math.floor(found.modifiedAtMs / 1000)),
      U: "root",
      G: "root",
      F: found.kind === "file" ? "regular file" : found.kind,
    };
    const format = options.value("c");
    const text =
      format === undefined
        ? `  File: ${path}\n  Size: ${found.sizeBytes}\t${fields["F"]}\nAccess: (0${octal}/${formatMode(found)})  Uid: (    0/    root)   Gid: (    0/    root)\nModify: ${new Date(found.modifiedAtMs).toISOString().replace("T", " ").replace("Z", " +0000")}`
        : format.replace(/%([a-zA-Z])/g, (whole, letter: string) => fields[letter] ?? whole);
    await process.stdout.write(`${text}\n`);
  }
  return status;
});

/** `find [path…] [-name pattern] [-type f|d] [-maxdepth n]` */
export async function find(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const firstTest = args.findIndex((arg) => arg.startsWith("-"));
  const paths = firstTest < 0 ? args : args.slice(0, firstTest);
  const tests = new Map<string, string>();
  for (let i = Math.max(firstTest, 0); firstTest >= 0 && i < args.length; i += 2)
    tests.set(args[i] ?? "", args[i + 1] ?? "");
  const name = tests.get("-name");
  const pattern =
    name === undefined
      ? undefined
      : new RegExp(
          `^${name
            .replace(/[.+^${}()|\\]/g, "\\$&")
            .replaceAll("*", ".*")
            .replaceAll("?", ".")}$`,
        );
  const type = tests.get("-type");
  const depth = Number(tests.get("-maxdepth") ?? Infinity);
  const visit = async (path: string, level: number): Promise<void> => {
    const found = process.files.stat(process.path(path));
    if (!found) return complain(process, `${path}: ${new FileError("ENOENT").message}`);
    const isWanted = type === undefined || (type === "d") === (found.kind === "directory");
    if (isWanted && (pattern?.test(path.split("/").at(-1) ?? "") ?? true))
      await process.stdout.write(`${path}\n`);
    if (found.kind !== "directory" || level >= depth) return;
    for (const child of process.files.list(process.path(path)))
      await visit(`${path === "/" ? "" : path}/${child}`, level + 1);
  };
  for (const path of paths.length > 0 ? paths : ["."]) await visit(path, 0);
  return 0;
}

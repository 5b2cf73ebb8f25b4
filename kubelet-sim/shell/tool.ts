import { FileError } from "../images/files.js";
import type { OpenFile, Process, Program } from "../images/process.js";
import { type Options, type OptionSpec, parseOptions, UsageError } from "./text/options.js";

/** What a tool is called in its messages. */
export const nameOfTool = (process: Process): string => process.argv[0]?.split("/").at(-1) ?? "";

export async function complain(process: Process, message: string): Promise<void> {
  await process.stderr.write(`${nameOfTool(process)}: ${message}\n`);
}

/** A program with parsed options; wrong usage ends with status 1 and getopt's words. */
export const tool =
  (spec: OptionSpec, run: (process: Process, options: Options) => Promise<number>): Program =>
  async (process) => {
    let options: Options;
    try {
      options = parseOptions(process.argv.slice(1), spec);
    } catch (err) {
      if (!(err instanceof UsageError)) throw err;
      await complain(process, err.message);
      return 1;
    }
    return run(process, options);
  };

/** Opens each operand (`-` or none: standard input) and hands it over; status 1 when one cannot be opened. */
export async function forEachInput(
  process: Process,
  paths: readonly string[],
  use: (input: OpenFile, path: string) => Promise<void>,
): Promise<number> {
  let status = 0;
  for (const path of paths.length > 0 ? paths : ["-"]) {
    try {
      const input = path === "-" ? process.stdin.dup() : process.open(path, "read");
      try {
        await use(input, path);
      } finally {
        input.close();
      }
    } catch (err) {
      if (!(err instanceof FileError)) throw err;
      const verb = err.code === "EISDIR" ? "read error" : "can't open";
      await complain(
        process,
        err.code === "EISDIR" ? `${verb}: ${err.message}` : `${verb} '${path}': ${err.message}`,
      );
      status = 1;
    }
  }
  return status;
}

const LONGEST_LINE_BYTES = 1024 * 1024;

/** Lines with their ends; the last may lack it. */
export async function* linesOf(input: OpenFile): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for (let bytes = await input.read(); bytes; bytes = await input.read()) {
    let buffer = rest.length > 0 ? Buffer.concat([rest, bytes]) : Buffer.from(bytes);
    for (let newline = buffer.indexOf(10); newline >= 0; newline = buffer.indexOf(10)) {
      yield buffer.toString("utf8", 0, newline + 1);
      buffer = buffer.subarray(newline + 1);
    }
    if (buffer.length > LONGEST_LINE_BYTES) {
      yield buffer.toString("utf8");
      buffer = Buffer.alloc(0);
    }
    rest = buffer;
  }
  if (rest.length > 0) yield rest.toString("utf8");
}

const MOST_COLLECTED_BYTES = 64 * 1024 * 1024;

/** All lines, for tools that need them at once. Throws FileError when they are too many. */
export async function collectLines(input: OpenFile): Promise<string[]> {
  const lines: string[] = [];
  let total = 0;
  for await (const line of linesOf(input)) {
    total += line.length + 32;
    if (total > MOST_COLLECTED_BYTES) throw new FileError("ENOSPC");
    lines.push(line);
  }
  return lines;
}

/** All bytes up to the end, at most `limitBytes`. */
export async function readAll(input: OpenFile, limitBytes = 64 * 1024 * 1024): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (let bytes = await input.read(); bytes; bytes = await input.read()) {
    total += bytes.length;
    if (total > limitBytes) throw new FileError("ENOSPC");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** `5`, `0.5`, `2m`, `1h`, `1d`, `infinity` in milliseconds; undefined when it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  if (/^inf(inity)?$/.test(text)) return 2 ** 40;
  const match = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text);
  if (!match) return undefined;
  const unit = { "": 1, s: 1, m: 60, h: 3600, d: 86400 }[match[2] ?? ""] ?? 1;
  return Number(match[1]) * unit * 1000;
}

import { type OpenFile, ProcessEnded } from "../../images/process.js";
import type { Shell } from "../shell.js";
import { ShellError } from "../state.js";
import type { Builtin } from "./builtin.js";

interface ReadOptions {
  raw: boolean;
  timeoutMs: number | undefined;
  mostCharacters: number;
  delimiter: string;
}

/** `read [-r] [-p prompt] [-t seconds] [-n count] [-d delimiter] [-s] name…` */
export const read: Builtin = async (shell, args) => {
  const names: string[] = [];
  const options: ReadOptions = {
    raw: false,
    timeoutMs: undefined,
    mostCharacters: Infinity,
    delimiter: "\n",
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (!/^-[a-z]+$/.test(arg)) names.push(arg);
    else if (arg.includes("r")) options.raw = true;
    else if (arg === "-p") await shell.process.stderr.write(args[++i] ?? "");
    else if (arg === "-t") options.timeoutMs = Number(args[++i]) * 1000;
    else if (arg === "-n") options.mostCharacters = Number(args[++i]);
    else if (arg === "-d") options.delimiter = args[++i] || "\0";
    else if (arg !== "-s") throw new ShellError(`read: illegal option ${arg}`);
  }
  const line = await readLine(shell, options);
  assign(shell, names.length > 0 ? names : ["REPLY"], line?.text ?? "", names.length === 0);
  return line?.complete ? 0 : 1;
};

async function readLine(
  shell: Shell,
  options: ReadOptions,
): Promise<{ text: string; complete: boolean } | undefined> {
  const input = shell.process.stdin.dup();
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : shell.process.clock.setTimer(options.timeoutMs, () => input.close());
  try {
    return await collect(input, options);
  } catch (err) {
    if (err instanceof ProcessEnded && options.timeoutMs !== undefined && !shell.process.signal.aborted) {
      return undefined; // the timer closed the input
    }
    throw err;
  } finally {
    timer?.cancel();
    input.close();
  }
}

async function collect(
  input: OpenFile,
  { raw, mostCharacters, delimiter }: ReadOptions,
): Promise<{ text: string; complete: boolean } | undefined> {
  let text = "";
  const end = delimiter.charCodeAt(0);
  for (;;) {
    const bytes = await input.read();
    if (!bytes) return text === "" ? undefined : { text, complete: false };
    const at = bytes.indexOf(end);
    const length = Math.min(at < 0 ? bytes.length : at, mostCharacters - text.length);
    text += Buffer.from(bytes.subarray(0, length)).toString("utf8");
    if (text.length >= mostCharacters && length < bytes.length && at !== length) {
      input.unread(bytes.subarray(length));
      return { text, complete: true };
    }
    if (at < 0) continue;
    if (at + 1 < bytes.length) input.unread(bytes.subarray(at + 1));
    if (raw || !/(^|[^\\])(\\\\)*\\$/.test(text))
      return { text: raw ? text : text.replace(/\\(.)/gs, "$1"), complete: true };
    text = text.slice(0, -1);
  }
}

/** Splits at IFS; the last name takes the rest. */
function assign(shell: Shell, names: readonly string[], text: string, whole: boolean): void {
  const ifs = shell.state.get("IFS") ?? " \t\n";
  const blanks = ifs
    .split("")
    .filter((char) => " \t\n".includes(char))
    .join("");
  const others = ifs
    .split("")
    .filter((char) => !" \t\n".includes(char))
    .join("");
  let rest = whole ? text : trimStart(text, blanks);
  for (const [i, name] of names.entries()) {
    if (i === names.length - 1) {
      shell.state.set(name, whole ? rest : trimEnd(rest, blanks));
      return;
    }
    let cut = 0;
    while (cut < rest.length && !ifs.includes(rest[cut] ?? "")) cut++;
    shell.state.set(name, rest.slice(0, cut));
    rest = trimStart(rest.slice(cut), blanks);
    if (others && others.includes(rest[0] ?? "\0")) rest = trimStart(rest.slice(1), blanks);
  }
}

function trimStart(text: string, chars: string): string {
  let start = 0;
  while (start < text.length && chars.includes(text[start] ?? "")) start++;
  return text.slice(start);
}

function trimEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1] ?? "")) end--;
  return text.slice(0, end);
}

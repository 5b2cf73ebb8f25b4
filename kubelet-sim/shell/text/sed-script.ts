import { toRegExpSource } from "./posix-regexp.js";

export class SedError extends Error {
  override readonly name = "SedError";
}

type Address = { line: number } | { last: true } | { expression: RegExp };

interface Addressed {
  from: Address | undefined;
  to: Address | undefined;
  negated: boolean;
}

export type SedCommand = Addressed &
  (
    | { kind: "s"; substitute: (text: string) => string | undefined; prints: boolean }
    | { kind: "y"; translate: (text: string) => string }
    | { kind: "a" | "i" | "c"; text: string }
    | { kind: "p" | "d" | "q" | "=" }
  );

/** Parses `s///`, `y///`, `p`, `d`, `q`, `=`, `a`, `i`, `c` with addresses. Throws SedError. */
export function parseSedScript(script: string, extended: boolean): SedCommand[] {
  const parser = new SedParser(script, extended);
  return parser.commands();
}

class SedParser {
  readonly #text: string;
  readonly #extended: boolean;
  #at = 0;

  constructor(text: string, extended: boolean) {
    this.#text = text;
    this.#extended = extended;
  }

  commands(): SedCommand[] {
    const commands: SedCommand[] = [];
    for (;;) {
      this.#skip(/[\s;]*/y);
      if (this.#at >= this.#text.length) return commands;
      commands.push(this.#command());
    }
  }

  #command(): SedCommand {
    const from = this.#address();
    this.#skip(/\s*/y);
    const to = from && this.#text[this.#at] === "," ? this.#second() : undefined;
    const negated = this.#skip(/\s*!\s*/y) !== "";
    this.#skip(/\s*/y);
    const addressed: Addressed = { from, to, negated };
    const kind = this.#text[this.#at++];
    switch (kind) {
      case "s":
        return { ...addressed, kind, ...this.#substitution() };
      case "y":
        return { ...addressed, kind, translate: this.#translation() };
      case "a":
      case "i":
      case "c":
        return { ...addressed, kind, text: this.#skip(/\\?\s*[^\n]*/y).replace(/^\\?\s*/, "") };
      case "p":
      case "d":
      case "q":
      case "=":
        return { ...addressed, kind };
      default:
        throw new SedError(`unsupported command ${kind ?? ""}`);
    }
  }

  #second(): Address | undefined {
    this.#at++;
    this.#skip(/\s*/y);
    return this.#address();
  }

  #address(): Address | undefined {
    const line = this.#skip(/\d+/y);
    if (line !== "") return { line: Number(line) };
    if (this.#text[this.#at] === "$") {
      this.#at++;
      return { last: true };
    }
    if (this.#text[this.#at] !== "/") return undefined;
    this.#at++;
    return { expression: this.#expression(this.#until("/"), "") };
  }

  #substitution(): { substitute: (text: string) => string | undefined; prints: boolean } {
    const delimiter = this.#text[this.#at++] ?? "";
    const pattern = this.#until(delimiter);
    const replacement = this.#until(delimiter);
    const flags = this.#skip(/[gpiI0-9]*/y);
    const expression = this.#expression(pattern, `g${/[iI]/.test(flags) ? "i" : ""}`);
    const all = flags.includes("g");
    const nth = Number(/\d+/.exec(flags)?.[0] ?? 1);
    const substitute = (text: string): string | undefined => {
      let count = 0;
      let changed = false;
      const next = text.replace(expression, (...args: (string | number)[]) => {
        const whole = String(args[0]);
        count++;
        if (count < nth || (!all && count > nth)) return whole;
        changed = true;
        return expandReplacement(replacement, args);
      });
      return changed ? next : undefined;
    };
    return { substitute, prints: flags.includes("p") };
  }

  #translation(): (text: string) => string {
    const delimiter = this.#text[this.#at++] ?? "";
    const from = this.#until(delimiter);
    const to = this.#until(delimiter);
    if (from.length !== to.length) throw new SedError("strings for 'y' command are different lengths");
    return (text) => text.replace(/[\s\S]/g, (char) => to[from.indexOf(char)] ?? char);
  }

  #expression(pattern: string, flags: string): RegExp {
    try {
      return new RegExp(toRegExpSource(pattern, this.#extended), flags);
    } catch {
      throw new SedError(`bad regex '${pattern}'`);
    }
  }

  /** Text up to an unescaped delimiter, which is passed over. */
  #until(delimiter: string): string {
    let text = "";
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++] ?? "";
      if (char === delimiter) return text;
      if (char === "\\" && this.#text[this.#at] === delimiter) text += this.#text[this.#at++];
      else if (char === "\\") text += char + (this.#text[this.#at++] ?? "");
      else text += char;
    }
    throw new SedError("unterminated address regex or command");
  }

  #skip(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const text = expression.exec(this.#text)?.[0] ?? "";
    this.#at += text.length;
    return text;
  }
}

const expandReplacement = (replacement: string, args: readonly (string | number)[]): string =>
  replacement.replace(/\\([0-9&ntr\\/])|&/g, (whole, escaped?: string) => {
    if (whole === "&") return String(args[0]);
    if (escaped !== undefined && /\d/.test(escaped)) return String(args[Number(escaped)] ?? "");
    return { n: "\n", t: "\t", r: "\r" }[escaped ?? ""] ?? escaped ?? "";
  });

/** Whether a command's addresses choose this line; ranges remember that they have begun in `active`. */
export function selects(
  command: SedCommand,
  line: number,
  isLast: boolean,
  text: string,
  active: Map<SedCommand, boolean>,
): boolean {
  const { from, to, negated } = command;
  const matches = (address: Address): boolean => {
    if ("line" in address) return address.line === line;
    return "last" in address ? isLast : address.expression.test(text);
  };
  let chosen: boolean;
  if (!from) chosen = true;
  else if (!to) chosen = matches(from);
  else if (active.get(command)) {
    chosen = true;
    active.set(command, "line" in to ? line < to.line : !matches(to));
  } else {
    chosen = matches(from);
    active.set(command, chosen && !("line" in to && to.line <= line));
  }
  return chosen !== negated;
}

import type { List, Parameter, Word, WordPart } from "./ast.js";
import { Scanner, ShellSyntaxError, unterminated } from "./scanner.js";

/** Parses the list inside `$( )`, up to the closing parenthesis. */
export type ParseSubstitution = (scanner: Scanner) => List;

type Context = "word" | "double-quotes" | "here-document" | "brace" | "quoted-brace" | "arithmetic";

/** Reads the parts of words: quotes, parameters, substitutions. */
export class WordParser {
  readonly #scanner: Scanner;
  readonly #parseSubstitution: ParseSubstitution;

  constructor(scanner: Scanner, parseSubstitution: ParseSubstitution) {
    this.#scanner = scanner;
    this.#parseSubstitution = parseSubstitution;
  }

  /** A word up to a blank or an operator; undefined when there is none. */
  word(): Word | undefined {
    const start = this.#scanner.pos;
    const parts = this.#parts("word", () => this.#scanner.atWordEnd);
    return this.#scanner.pos === start ? undefined : parts;
  }

  hereDocument(): Word {
    return this.#parts("here-document", () => this.#scanner.atEnd);
  }

  #parts(context: Context, isEnd: () => boolean): Word {
    const scanner = this.#scanner;
    const quoted = context !== "word" && context !== "brace";
    const parts: Word = [];
    let literal = "";
    const flush = (): void => {
      if (literal) parts.push({ kind: "text", text: literal, quoted });
      literal = "";
    };
    while (!isEnd()) {
      if (scanner.atEnd) throw unterminated(context === "double-quotes" ? "quoted string" : "substitution");
      const special = this.#special(context, quoted);
      if (special === undefined) {
        literal += scanner.peek();
        scanner.pos++;
      } else {
        flush();
        parts.push(...special);
      }
    }
    flush();
    return parts;
  }

  /** What starts here if it is not a plain character. */
  #special(context: Context, quoted: boolean): Word | undefined {
    const scanner = this.#scanner;
    switch (scanner.peek()) {
      case "\\":
        return this.#escape(quoted, context);
      case "'":
        return quoted ? undefined : [this.#singleQuoted()];
      case '"':
        if (context === "here-document" || context === "arithmetic") return undefined;
        return this.#doubleQuoted();
      case "$":
        return this.#dollar(quoted);
      case "`":
        return [this.#backquoted(quoted)];
      default:
        return undefined;
    }
  }

  #escape(quoted: boolean, context: Context): Word {
    const scanner = this.#scanner;
    const next = scanner.peek(1);
    scanner.pos += 2;
    if (next === "\n") return [];
    if (next === "") return [{ kind: "text", text: "\\", quoted: true }];
    const special = context === "here-document" ? "$`\\" : '$`"\\';
    const keeps = quoted && !special.includes(next) && !(context === "quoted-brace" && next === "}");
    return [{ kind: "text", text: keeps ? `\\${next}` : next, quoted: true }];
  }

  #singleQuoted(): WordPart {
    const scanner = this.#scanner;
    const end = scanner.text.indexOf("'", scanner.pos + 1);
    if (end < 0) throw unterminated("quoted string");
    const text = scanner.text.slice(scanner.pos + 1, end);
    scanner.pos = end + 1;
    return { kind: "text", text, quoted: true };
  }

  #doubleQuoted(): Word {
    const scanner = this.#scanner;
    scanner.pos++;
    const parts = this.#parts("double-quotes", () => scanner.peek() === '"');
    scanner.pos++;
    // An empty pair of quotes is a word too.
    return parts.length > 0 ? parts : [{ kind: "text", text: "", quoted: true }];
  }

  #dollar(quoted: boolean): Word | undefined {
    const scanner = this.#scanner;
    if (scanner.startsWith("$((")) {
      const arithmetic = this.#arithmetic(quoted);
      if (arithmetic) return [arithmetic];
    }
    if (scanner.accept("$(")) {
      const list = this.#parseSubstitution(scanner);
      if (!scanner.accept(")")) throw scanner.unexpected();
      return [{ kind: "command", list, quoted }];
    }
    if (scanner.accept("${"))
      return [{ kind: "parameter", parameter: scanner.nested(() => this.#braced(quoted)), quoted }];
    const name = scanner.match(/\$([A-Za-z_]\w*|[0-9@*#?$!-])/y)?.[1];
    if (name === undefined) return undefined;
    scanner.pos += name.length + 1;
    return [{ kind: "parameter", parameter: { name }, quoted }];
  }

  /** `$(( ))`, or undefined when the parentheses turn out to be a subshell in `$( )`. */
  #arithmetic(quoted: boolean): WordPart | undefined {
    const scanner = this.#scanner;
    const end = endOfArithmetic(scanner.text, scanner.pos + 3);
    if (end === undefined) return undefined;
    scanner.pos += 3;
    const expression = this.#parts("arithmetic", () => scanner.pos >= end);
    scanner.pos = end + 2;
    return { kind: "arithmetic", expression, quoted };
  }

  #backquoted(quoted: boolean): WordPart {
    const scanner = this.#scanner;
    let inner = "";
    scanner.pos++;
    while (scanner.peek() !== "`") {
      if (scanner.atEnd) throw unterminated("quoted string");
      if (scanner.peek() === "\\" && '$`\\"'.includes(scanner.peek(1))) scanner.pos++;
      inner += scanner.peek();
      scanner.pos++;
    }
    scanner.pos++;
    const nested = new Scanner(inner);
    const list = this.#parseSubstitution(nested);
    if (!nested.atEnd) throw nested.unexpected();
    return { kind: "command", list, quoted };
  }

  #braced(quoted: boolean): Parameter {
    const scanner = this.#scanner;
    const length = scanner.match(/#([A-Za-z_]\w*|[0-9]+|[@*#?$!-])\}/y);
    if (length?.[1] !== undefined) {
      scanner.pos += length[0].length;
      return { name: length[1], operator: "length" };
    }
    const name = scanner.match(/[A-Za-z_]\w*|[0-9]+|[@*#?$!-]/y)?.[0];
    if (name === undefined) throw new ShellSyntaxError("syntax error: bad substitution");
    scanner.pos += name.length;
    if (scanner.accept("}")) return { name };
    const parameter = this.#operation(name, quoted ? "quoted-brace" : "brace");
    if (!scanner.accept("}")) throw unterminated("substitution");
    return parameter;
  }

  #operation(name: string, context: Context): Parameter {
    const scanner = this.#scanner;
    const isBraceEnd = (): boolean => scanner.peek() === "}";
    const test = scanner.match(/(:?)([-=?+])/y);
    if (test) {
      scanner.pos += test[0].length;
      const word = this.#parts(context, isBraceEnd);
      return { name, operator: test[2] as "-" | "=" | "?" | "+", colon: test[1] === ":", word };
    }
    const trim = scanner.match(/##?|%%?/y)?.[0];
    if (trim) {
      scanner.pos += trim.length;
      return { name, operator: trim as "#" | "##" | "%" | "%%", word: this.#parts("brace", isBraceEnd) };
    }
    if (scanner.accept(":")) {
      const word = this.#parts("arithmetic", () => isBraceEnd() || scanner.peek() === ":");
      if (!scanner.accept(":")) return { name, operator: "slice", word };
      return { name, operator: "slice", word, second: this.#parts("arithmetic", isBraceEnd) };
    }
    if (scanner.accept("/")) {
      const operator = scanner.accept("/") ? "replace-all" : "replace";
      const word = this.#parts("brace", () => isBraceEnd() || scanner.peek() === "/");
      const second = scanner.accept("/") ? this.#parts("brace", isBraceEnd) : [];
      return { name, operator, word, second };
    }
    throw new ShellSyntaxError("syntax error: bad substitution");
  }
}

/** Index of the closing `))`, or undefined when the parentheses do not close as a pair. */
function endOfArithmetic(text: string, from: number): number | undefined {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") {
      if (depth === 0) return text[i + 1] === ")" ? i : undefined;
      depth--;
    }
  }
  return undefined;
}

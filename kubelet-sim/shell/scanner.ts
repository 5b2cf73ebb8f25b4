import type { Redirect } from "./ast.js";

/** `message` as the shell prints it after its name. */
export class ShellSyntaxError extends Error {
  override readonly name = "ShellSyntaxError";
  /** The text ended inside a construct: more input may complete it. */
  readonly incomplete: boolean;
  constructor(message: string, incomplete = false) {
    super(message);
    this.incomplete = incomplete;
  }
}

const DEEPEST_NESTING = 400;
const WORD_END = new Set([" ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")"]);

/** A position in a script, with what the grammar needs to look ahead. */
export class Scanner {
  readonly text: string;
  pos = 0;
  #depth = 0;
  /** Here-documents whose text begins after the next line end. */
  pendingHereDocuments: { redirect: Redirect; delimiter: string; stripTabs: boolean; expands: boolean }[] =
    [];

  constructor(text: string) {
    this.text = text;
  }

  /** Runs a part of the grammar that may contain itself. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= DEEPEST_NESTING) throw new ShellSyntaxError("syntax error: nested too deeply");
    this.#depth++;
    const result = parse();
    this.#depth--;
    return result;
  }

  get atEnd(): boolean {
    return this.pos >= this.text.length;
  }

  peek(offset = 0): string {
    return this.text[this.pos + offset] ?? "";
  }

  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.pos);
  }

  accept(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.pos += text.length;
    return true;
  }

  /** The match of a sticky expression here, without moving. */
  match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.pos;
    return expression.exec(this.text);
  }

  skipBlanks(): void {
    for (;;) {
      const char = this.peek();
      if (char === " " || char === "\t" || char === "\r") this.pos++;
      else if (this.startsWith("\\\n")) this.pos += 2;
      else if (char === "#") while (!this.atEnd && this.peek() !== "\n") this.pos++;
      else return;
    }
  }

  get atWordEnd(): boolean {
    return this.atEnd || WORD_END.has(this.peek());
  }

  /** What a syntax error names: the next word or operator. */
  describeNext(): string {
    if (this.atEnd) return "end of file";
    if (this.peek() === "\n") return "newline";
    return `"${this.match(/;;|&&|\|\||[;&|<>()]|[^\s;&|<>()]+/y)?.[0] ?? this.peek()}"`;
  }

  unexpected(): ShellSyntaxError {
    return new ShellSyntaxError(`syntax error: unexpected ${this.describeNext()}`, this.atEnd);
  }
}

export const unterminated = (what: string): ShellSyntaxError =>
  new ShellSyntaxError(`syntax error: unterminated ${what}`, true);

import type { Command, List, Redirect, Simple, Word } from "./ast.js";
import { Scanner, type ShellSyntaxError, unterminated } from "./scanner.js";
import { WordParser } from "./word-parser.js";

const CLOSERS = new Set(["then", "else", "elif", "fi", "do", "done", "esac", "}"]);
const RESERVED =
  /(?:if|while|until|for|case|function|then|else|elif|fi|do|done|esac|[{}!])(?=[\s;&|<>()]|$)/y;

/** Parses a script one complete command at a time, as shells read it. Throws ShellSyntaxError. */
export class Parser {
  readonly #scanner: Scanner;
  readonly #words: WordParser;

  constructor(source: string | Scanner) {
    this.#scanner = typeof source === "string" ? new Scanner(source) : source;
    this.#words = new WordParser(this.#scanner, (scanner) => new Parser(scanner).#list());
  }

  /** The next line's commands, or undefined at the end. */
  next(): List | undefined {
    this.#skipLines();
    if (this.#scanner.atEnd) return undefined;
    const list = this.#list(true);
    if (list.items.length === 0) throw this.#scanner.unexpected();
    return list;
  }

  /** Nothing but blanks is left. */
  get atEnd(): boolean {
    this.#skipLines();
    return this.#scanner.atEnd;
  }

  #list(oneLine = false): List {
    const items: List["items"] = [];
    for (;;) {
      if (oneLine && items.length > 0) this.#scanner.skipBlanks();
      else this.#skipLines();
      if (this.#atListEnd()) return { items };
      if (oneLine && items.length > 0 && this.#scanner.peek() === "\n")
        return { items: this.#endLine(items) };
      const command = this.#andOr();
      this.#scanner.skipBlanks();
      const background = this.#scanner.peek() === "&" && this.#scanner.accept("&");
      const separated = background || (!this.#scanner.startsWith(";;") && this.#scanner.accept(";"));
      items.push({ command, background });
      this.#scanner.skipBlanks();
      if (!separated && this.#scanner.peek() !== "\n") {
        if (oneLine && !this.#scanner.atEnd) throw this.#scanner.unexpected();
        return { items };
      }
    }
  }

  #endLine(items: List["items"]): List["items"] {
    this.#newline();
    return items;
  }

  #atListEnd(): boolean {
    const scanner = this.#scanner;
    if (scanner.atEnd || scanner.peek() === ")" || scanner.startsWith(";;")) return true;
    const reserved = this.#reserved();
    return reserved !== undefined && CLOSERS.has(reserved);
  }

  #andOr(): Command {
    let left = this.#pipeline();
    for (;;) {
      this.#scanner.skipBlanks();
      const operator = this.#scanner.accept("&&") ? "&&" : this.#scanner.accept("||") ? "||" : undefined;
      if (!operator) return left;
      this.#skipLines();
      left = { kind: "and-or", left, operator, right: this.#pipeline() };
    }
  }

  #pipeline(): Command {
    this.#scanner.skipBlanks();
    let negated = false;
    while (this.#reserved() === "!") {
      this.#scanner.pos++;
      this.#scanner.skipBlanks();
      negated = !negated;
    }
    const commands = [this.#command()];
    for (;;) {
      this.#scanner.skipBlanks();
      if (this.#scanner.startsWith("||") || !this.#scanner.accept("|")) break;
      this.#skipLines();
      commands.push(this.#command());
    }
    const [only] = commands;
    return commands.length === 1 && only && !negated ? only : { kind: "pipeline", commands, negated };
  }

  #command(): Command {
    return this.#scanner.nested(() => this.#commandHere());
  }

  #commandHere(): Command {
    this.#scanner.skipBlanks();
    const name = this.#scanner.match(/([A-Za-z_][\w.-]*)[ \t]*\([ \t]*\)/y);
    if (name?.[1] !== undefined && !this.#reserved()) {
      this.#scanner.pos += name[0].length;
      return this.#function(name[1]);
    }
    if (this.#scanner.accept("(")) return this.#subshell();
    switch (this.#reserved()) {
      case undefined:
        return this.#simple();
      case "{":
        return this.#group();
      case "if":
        return this.#if();
      case "while":
      case "until":
        return this.#while();
      case "for":
        return this.#for();
      case "case":
        return this.#case();
      case "function":
        return this.#functionKeyword();
      default:
        throw this.#scanner.unexpected();
    }
  }

  #subshell(): Command {
    const body = this.#list();
    if (!this.#scanner.accept(")")) throw this.#unexpectedIn("(");
    return { kind: "subshell", body, redirects: this.#redirects() };
  }

  #group(): Command {
    this.#expect("{");
    const body = this.#list();
    this.#expect("}");
    return { kind: "group", body, redirects: this.#redirects() };
  }

  #if(): Command {
    const clauses: { condition: List; body: List }[] = [];
    let keyword = "if";
    do {
      this.#expect(keyword);
      const condition = this.#list();
      this.#expect("then");
      clauses.push({ condition, body: this.#list() });
      keyword = "elif";
    } while (this.#reserved() === "elif");
    let otherwise: List | undefined;
    if (this.#reserved() === "else") {
      this.#expect("else");
      otherwise = this.#list();
    }
    this.#expect("fi");
    return { kind: "if", clauses, otherwise, redirects: this.#redirects() };
  }

  #while(): Command {
    const until = this.#reserved() === "until";
    this.#expect(until ? "until" : "while");
    const condition = this.#list();
    const body = this.#doGroup();
    return { kind: "while", until, condition, body, redirects: this.#redirects() };
  }

  #for(): Command {
    this.#expect("for");
    this.#scanner.skipBlanks();
    const name = this.#scanner.match(/[A-Za-z_]\w*/y)?.[0];
    if (name === undefined) throw this.#scanner.unexpected();
    this.#scanner.pos += name.length;
    this.#skipLines();
    let words: Word[] | undefined;
    if (this.#scanner.match(/in(?=[\s;])/y)) {
      this.#scanner.pos += 2;
      words = this.#wordList();
    }
    this.#scanner.skipBlanks();
    this.#scanner.accept(";");
    this.#skipLines();
    const body = this.#doGroup();
    return { kind: "for", name, words, body, redirects: this.#redirects() };
  }

  #wordList(): Word[] {
    const words: Word[] = [];
    for (;;) {
      this.#scanner.skipBlanks();
      const word = this.#words.word();
      if (!word) return words;
      words.push(word);
    }
  }

  #doGroup(): List {
    this.#expect("do");
    const body = this.#list();
    this.#expect("done");
    return body;
  }

  #case(): Command {
    this.#expect("case");
    this.#scanner.skipBlanks();
    const word = this.#words.word();
    if (!word) throw this.#scanner.unexpected();
    this.#skipLines();
    if (!this.#scanner.match(/in(?=\s)/y)) throw this.#scanner.unexpected();
    this.#scanner.pos += 2;
    const items: { patterns: Word[]; body: List }[] = [];
    for (;;) {
      this.#skipLines();
      if (this.#reserved() === "esac") break;
      items.push(this.#caseItem());
    }
    this.#expect("esac");
    return { kind: "case", word, items, redirects: this.#redirects() };
  }

  #caseItem(): { patterns: Word[]; body: List } {
    this.#scanner.accept("(");
    const patterns: Word[] = [];
    do {
      this.#scanner.skipBlanks();
      const pattern = this.#words.word();
      if (!pattern) throw this.#scanner.unexpected();
      patterns.push(pattern);
      this.#scanner.skipBlanks();
    } while (this.#scanner.accept("|"));
    if (!this.#scanner.accept(")")) throw this.#scanner.unexpected();
    const body = this.#list();
    this.#skipLines();
    if (!this.#scanner.accept(";;") && this.#reserved() !== "esac") throw this.#scanner.unexpected();
    return { patterns, body };
  }

  #functionKeyword(): Command {
    this.#expect("function");
    this.#scanner.skipBlanks();
    const match = this.#scanner.match(/([A-Za-z_][\w.-]*)([ \t]*\([ \t]*\))?/y);
    if (match?.[1] === undefined) throw this.#scanner.unexpected();
    this.#scanner.pos += match[0].length;
    return this.#function(match[1]);
  }

  #function(name: string): Command {
    this.#skipLines();
    return { kind: "function", name, body: this.#command() };
  }

  #simple(): Simple {
    const command: Simple = { kind: "simple", assignments: [], words: [], redirects: [] };
    for (;;) {
      this.#scanner.skipBlanks();
      const redirect = this.#redirect();
      if (redirect) {
        command.redirects.push(redirect);
        continue;
      }
      const name = command.words.length === 0 ? this.#scanner.match(/([A-Za-z_]\w*)=/y)?.[1] : undefined;
      if (name !== undefined) {
        this.#scanner.pos += name.length + 1;
        command.assignments.push({ name, value: this.#words.word() ?? [] });
        continue;
      }
      const word = this.#words.word();
      if (!word) break;
      command.words.push(word);
    }
    const { assignments, words, redirects } = command;
    if (assignments.length + words.length + redirects.length === 0) throw this.#scanner.unexpected();
    return command;
  }

  #redirects(): Redirect[] {
    const redirects: Redirect[] = [];
    for (;;) {
      this.#scanner.skipBlanks();
      const redirect = this.#redirect();
      if (!redirect) return redirects;
      redirects.push(redirect);
    }
  }

  #redirect(): Redirect | undefined {
    const scanner = this.#scanner;
    const match = scanner.match(/(\d*)(<<-?|<&|>&|<>|>>|>\||[<>])/y);
    if (!match) return undefined;
    const [whole, number = "", symbol = ""] = match;
    scanner.pos += whole.length;
    scanner.skipBlanks();
    const start = scanner.pos;
    const target = this.#words.word();
    if (!target) throw scanner.unexpected();
    const operator = (symbol === "<<-" ? "<<" : symbol) as Redirect["operator"];
    const descriptor = number === "" ? (symbol.startsWith("<") ? 0 : 1) : Number(number);
    const redirect: Redirect = { descriptor, operator, target };
    if (operator === "<<") {
      const raw = scanner.text.slice(start, scanner.pos);
      const delimiter = raw.replace(/['"\\]/g, "");
      const expands = delimiter === raw;
      scanner.pendingHereDocuments.push({ redirect, delimiter, stripTabs: symbol === "<<-", expands });
    }
    return redirect;
  }

  #reserved(): string | undefined {
    return this.#scanner.match(RESERVED)?.[0];
  }

  #expect(keyword: string): void {
    this.#skipLines();
    if (this.#reserved() !== keyword) throw this.#unexpectedIn(keyword);
    this.#scanner.pos += keyword.length;
  }

  #unexpectedIn(expected: string): ShellSyntaxError {
    const err = this.#scanner.unexpected();
    if (err.incomplete) err.message += ` (expecting "${expected === "(" ? ")" : expected}")`;
    return err;
  }

  /** Blanks, comments and line ends. */
  #skipLines(): void {
    for (;;) {
      this.#scanner.skipBlanks();
      if (this.#scanner.peek() !== "\n") return;
      this.#newline();
    }
  }

  #newline(): void {
    this.#scanner.pos++;
    const pending = this.#scanner.pendingHereDocuments;
    this.#scanner.pendingHereDocuments = [];
    for (const document of pending) {
      const text = this.#hereText(document.delimiter, document.stripTabs);
      document.redirect.target = document.expands
        ? new WordParser(new Scanner(text), (scanner) => new Parser(scanner).#list()).hereDocument()
        : [{ kind: "text", text, quoted: true }];
    }
  }

  #hereText(delimiter: string, stripTabs: boolean): string {
    const scanner = this.#scanner;
    let text = "";
    for (;;) {
      if (scanner.atEnd) throw unterminated("here-document");
      const end = scanner.text.indexOf("\n", scanner.pos);
      const line = scanner.text.slice(scanner.pos, end < 0 ? undefined : end);
      scanner.pos = end < 0 ? scanner.text.length : end + 1;
      const content = stripTabs ? line.replace(/^\t+/, "") : line;
      if (content === delimiter) return text;
      text += `${content}\n`;
    }
  }
}

import type { FileSystem } from "../images/files.js";
import { evaluateArithmetic } from "./arithmetic.js";
import type { List, Parameter, Word, WordPart } from "./ast.js";
import { expandPath } from "./glob.js";
import { hasWildcard, type PatternPiece, patternSource, trimPattern } from "./pattern.js";
import { ShellError, type ShellState } from "./state.js";

export interface ExpanderOptions {
  state: ShellState;
  files: FileSystem;
  cwd: () => string;
  /** Runs `$( )`; its output, line ends at the end taken off. */
  substitute: (list: List) => Promise<string>;
}

/** A stretch of an expanded word. `split` text is cut at IFS; a break ends a field. */
type Run = { text: string; quoted: boolean; split: boolean } | "break";

/** Word expansion in POSIX's order: parameters, commands, arithmetic; field splitting; path names; quotes. */
export class Expander {
  readonly #options: ExpanderOptions;

  constructor(options: ExpanderOptions) {
    this.#options = options;
  }

  async fields(words: readonly Word[]): Promise<string[]> {
    const { state, files, cwd } = this.#options;
    const all: string[] = [];
    for (const word of words) {
      for (const field of this.#split(await this.#runs(word))) {
        if (!state.options.has("f") && hasWildcard(field)) all.push(...expandPath(field, files, cwd()));
        else all.push(field.map(({ text }) => text).join(""));
      }
    }
    return all;
  }

  /** One string, neither split nor matched against files. */
  async text(word: Word): Promise<string> {
    return (await this.pattern(word)).map(({ text }) => text).join("");
  }

  async pattern(word: Word): Promise<PatternPiece[]> {
    const runs = await this.#runs(word);
    return runs.map((run) => (run === "break" ? { text: " ", quoted: true } : run));
  }

  async #runs(word: Word): Promise<Run[]> {
    const runs: Run[] = [];
    for (const [i, part] of word.entries()) runs.push(...(await this.#part(part, i === 0)));
    return runs;
  }

  async #part(part: WordPart, isFirst: boolean): Promise<Run[]> {
    const split = part.kind !== "text" && !part.quoted;
    switch (part.kind) {
      case "text": {
        const text = isFirst && !part.quoted ? this.#expandTilde(part.text) : part.text;
        return [{ text, quoted: part.quoted, split: false }];
      }
      case "command":
        return [{ text: await this.#options.substitute(part.list), quoted: part.quoted, split }];
      case "arithmetic":
        return [{ text: await this.#arithmetic(part.expression), quoted: part.quoted, split }];
      case "parameter":
        return this.#parameter(part.parameter, part.quoted);
    }
  }

  async #arithmetic(expression: Word): Promise<string> {
    const { state } = this.#options;
    const value = evaluateArithmetic(await this.text(expression), {
      get: (name) => state.get(name) ?? "",
      set: (name, text) => state.set(name, text),
    });
    return String(value);
  }

  #expandTilde(text: string): string {
    const home = this.#options.state.get("HOME");
    return home !== undefined && (text === "~" || text.startsWith("~/")) ? home + text.slice(1) : text;
  }

  async #parameter(parameter: Parameter, quoted: boolean): Promise<Run[]> {
    const { state } = this.#options;
    const { name, operator } = parameter;
    const isList = name === "@" || name === "*";
    if (isList && operator === undefined) return this.#positions(name, quoted);
    const value = isList ? this.#joined() : state.get(name);
    const split = !quoted;
    if (operator === "-" || operator === "=" || operator === "?" || operator === "+") {
      return this.#conditional(
        { ...parameter, operator },
        isList && state.positional.length === 0 ? undefined : value,
        quoted,
      );
    }
    if (value === undefined && state.options.has("u") && !isList)
      throw new ShellError(`${name}: parameter not set`);
    const text = value ?? "";
    switch (operator) {
      case undefined:
        return [{ text, quoted, split }];
      case "length":
        return [{ text: String(isList ? state.positional.length : text.length), quoted, split }];
      case "slice":
        return [{ text: await this.#slice(text, parameter), quoted, split }];
      case "replace":
      case "replace-all":
        return [{ text: await this.#replace(text, parameter), quoted, split }];
      case "#":
      case "##":
      case "%":
      case "%%": {
        const pattern = await this.pattern(parameter.word ?? []);
        const end = operator.startsWith("#") ? "prefix" : "suffix";
        return [{ text: trimPattern(text, pattern, end, operator.length === 2), quoted, split }];
      }
    }
  }

  async #conditional(
    { name, operator, colon, word = [] }: Parameter & { operator: "-" | "=" | "?" | "+" },
    value: string | undefined,
    quoted: boolean,
  ): Promise<Run[]> {
    const isSet = value !== undefined && !(colon && value === "");
    const plain: Run[] = [{ text: value ?? "", quoted, split: !quoted }];
    if (operator === "+") return isSet ? this.#operand(word, quoted) : [{ text: "", quoted, split: !quoted }];
    if (isSet) return name === "@" || name === "*" ? this.#positions(name, quoted) : plain;
    if (operator === "-") return this.#operand(word, quoted);
    const text = await this.text(word);
    if (operator === "?") throw new ShellError(`${name}: ${text || "parameter not set"}`);
    this.#options.state.set(name, text);
    return [{ text, quoted, split: !quoted }];
  }

  async #operand(word: Word, quoted: boolean): Promise<Run[]> {
    const runs = await this.#runs(word);
    if (quoted) return runs.length > 0 ? runs : [{ text: "", quoted: true, split: false }];
    return runs.map((run) => (run === "break" || run.quoted ? run : { ...run, split: true }));
  }

  #joined(): string {
    const separator = this.#options.state.get("IFS") ?? " ";
    return this.#options.state.positional.join(separator.slice(0, 1));
  }

  #positions(name: string, quoted: boolean): Run[] {
    if (quoted && name === "*") return [{ text: this.#joined(), quoted, split: false }];
    return this.#options.state.positional.flatMap((text, i): Run[] => {
      const run: Run = { text, quoted, split: !quoted };
      return i === 0 ? [run] : ["break", run];
    });
  }

  async #slice(text: string, { word = [], second }: Parameter): Promise<string> {
    const offset = Number(await this.#arithmetic(word));
    const start = offset < 0 ? Math.max(0, text.length + offset) : offset;
    if (!second) return text.slice(start);
    const length = Number(await this.#arithmetic(second));
    return text.slice(start, length < 0 ? text.length + length : start + length);
  }

  async #replace(text: string, { operator, word = [], second = [] }: Parameter): Promise<string> {
    const source = patternSource(await this.pattern(word));
    if (source === "") return text;
    const replacement = await this.text(second);
    return text.replace(new RegExp(source, operator === "replace-all" ? "g" : ""), () => replacement);
  }

  #split(runs: readonly Run[]): PatternPiece[][] {
    const splitter = new FieldSplitter(this.#options.state.get("IFS") ?? " \t\n");
    for (const run of runs) {
      if (run === "break") splitter.endField();
      else if (run.split) splitter.addSplit(run.text);
      else if (run.quoted || run.text) splitter.add({ text: run.text, quoted: run.quoted });
    }
    return splitter.finish();
  }
}

class FieldSplitter {
  readonly #ifs: string;
  readonly #fields: PatternPiece[][] = [];
  #current: PatternPiece[] | undefined;
  #endedByBlank = false;

  constructor(ifs: string) {
    this.#ifs = ifs;
  }

  add(piece: PatternPiece): void {
    this.#current ??= [];
    this.#current.push(piece);
    this.#endedByBlank = false;
  }

  addSplit(text: string): void {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const char = text[i] ?? "";
      if (!this.#ifs.includes(char)) continue;
      if (i > start) this.add({ text: text.slice(start, i), quoted: false });
      start = i + 1;
      if (" \t\n".includes(char)) {
        this.#endedByBlank ||= this.#current !== undefined;
        this.endField();
      } else if (this.#current === undefined && this.#endedByBlank) this.#endedByBlank = false;
      else {
        this.#current ??= [];
        this.endField();
      }
    }
    if (start < text.length) this.add({ text: text.slice(start), quoted: false });
  }

  endField(): void {
    if (this.#current) this.#fields.push(this.#current);
    this.#current = undefined;
  }

  finish(): PatternPiece[][] {
    this.endField();
    return this.#fields;
  }
}

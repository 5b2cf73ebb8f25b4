import { AwkError, type Expression, type Rule, type Statement } from "./ast.js";
import { type AwkToken, tokenizeAwk } from "./lexer.js";

const ASSIGNMENTS = new Set(["=", "+=", "-=", "*=", "/=", "%=", "^="]);
const COMPARISONS = new Set(["<", "<=", "==", "!=", ">", ">="]);

/** Parses an awk program. Throws AwkError. */
export const parseAwk = (text: string): Rule[] => new AwkParser(tokenizeAwk(text)).rules();

class AwkParser {
  readonly #tokens: readonly AwkToken[];
  #at = 0;
  /** In `print a > b` the sign is a redirection. */
  #noGreater = false;
  /** In `for (x in a)` the `in` is not an operator yet. */
  #noIn = false;

  constructor(tokens: readonly AwkToken[]) {
    this.#tokens = tokens;
  }

  rules(): Rule[] {
    const rules: Rule[] = [];
    for (;;) {
      this.#skipEnds();
      if (this.#token.kind === "end") return rules;
      rules.push(this.#rule());
    }
  }

  get #token(): AwkToken {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #rule(): Rule {
    let pattern: Rule["pattern"];
    let until: Expression | undefined;
    if (this.#token.text === "BEGIN" || this.#token.text === "END") {
      pattern = this.#token.text;
      this.#at++;
    } else if (this.#token.text !== "{") {
      pattern = this.#expression();
      if (this.#accept(",")) until = this.#expression();
    }
    const action = this.#token.text === "{" && this.#token.kind === "operator" ? this.#block() : undefined;
    return { pattern, until, action };
  }

  #block(): Statement {
    this.#expect("{");
    const body: Statement[] = [];
    for (;;) {
      this.#skipEnds();
      if (this.#accept("}")) return { kind: "block", body };
      body.push(this.#statement());
    }
  }

  #statement(): Statement {
    this.#skipLines();
    const { kind, text } = this.#token;
    if (kind === "operator" && text === "{") return this.#block();
    if (kind === "name" || kind === "call") {
      const compound = this.#compound(text);
      if (compound) return compound;
    }
    const statement = this.#simple();
    this.#endStatement();
    return statement;
  }

  #compound(keyword: string): Statement | undefined {
    switch (keyword) {
      case "if":
        return this.#if();
      case "while":
        this.#at++;
        return { kind: "while", condition: this.#parenthesised(), body: this.#statement(), bodyFirst: false };
      case "do":
        return this.#do();
      case "for":
        return this.#for();
      default:
        return undefined;
    }
  }

  #if(): Statement {
    this.#at++;
    const condition = this.#parenthesised();
    const yes = this.#statement();
    const mark = this.#at;
    this.#skipEnds();
    if (this.#token.text === "else") {
      this.#at++;
      return { kind: "if", condition, yes, no: this.#statement() };
    }
    this.#at = mark;
    return { kind: "if", condition, yes, no: undefined };
  }

  #do(): Statement {
    this.#at++;
    const body = this.#statement();
    this.#skipEnds();
    if (this.#token.text !== "while") throw this.#error();
    this.#at++;
    const condition = this.#parenthesised();
    this.#endStatement();
    return { kind: "while", condition, body, bodyFirst: true };
  }

  #for(): Statement {
    this.#at++;
    this.#expect("(");
    const [variable, word, array] = [this.#token, this.#tokens[this.#at + 1], this.#tokens[this.#at + 2]];
    if (
      variable.kind === "name" &&
      word?.text === "in" &&
      array &&
      this.#tokens[this.#at + 3]?.text === ")"
    ) {
      this.#at += 4;
      return { kind: "for-in", variable: variable.text, array: array.text, body: this.#statement() };
    }
    const start = this.#token.text === ";" ? undefined : this.#simple();
    this.#expect(";");
    const condition = this.#token.text === ";" ? undefined : this.#expression();
    this.#expect(";");
    const step = this.#token.text === ")" ? undefined : this.#simple();
    this.#expect(")");
    return { kind: "for", start, condition, step, body: this.#statement() };
  }

  #simple(): Statement {
    const { text } = this.#token;
    switch (text) {
      case "print":
      case "printf":
        this.#at++;
        return this.#print(text === "printf");
      case "next":
      case "break":
      case "continue":
        this.#at++;
        return { kind: text };
      case "exit": {
        this.#at++;
        return { kind: "exit", status: this.#atStatementEnd() ? undefined : this.#expression() };
      }
      case "delete":
        return this.#delete();
      default:
        return { kind: "expression", expression: this.#expression() };
    }
  }

  #print(format: boolean): Statement {
    const before = this.#noGreater;
    this.#noGreater = true;
    const parenthesised = this.#token.text === "(" && this.#closesStatement();
    if (parenthesised) this.#at++;
    const args: Expression[] = [];
    if (!this.#atStatementEnd() && this.#token.text !== ")") {
      do args.push(this.#expression());
      while (this.#accept(","));
    }
    if (parenthesised) this.#expect(")");
    this.#noGreater = before;
    return { kind: "print", format, args };
  }

  /** Whether the parenthesis that opens here closes at the statement's end. */
  #closesStatement(): boolean {
    let depth = 0;
    for (let i = this.#at; i < this.#tokens.length; i++) {
      const { text, kind } = this.#tokens[i] ?? { text: "", kind: "end" };
      if (kind === "operator" && text === "(") depth++;
      if (kind === "operator" && text === ")" && --depth === 0) {
        const next = this.#tokens[i + 1];
        return (
          !next || next.kind === "end" || next.kind === "newline" || next.text === ";" || next.text === "}"
        );
      }
    }
    return false;
  }

  #delete(): Statement {
    this.#at++;
    const name = this.#token.text;
    this.#at++;
    return { kind: "delete", name, subscripts: this.#accept("[") ? this.#list("]") : undefined };
  }

  #parenthesised(): Expression {
    this.#expect("(");
    const expression = this.#expression();
    this.#expect(")");
    return expression;
  }

  #expression(): Expression {
    const left = this.#ternary();
    const { text, kind } = this.#token;
    if (kind !== "operator" || !ASSIGNMENTS.has(text)) return left;
    if (left.kind !== "variable" && left.kind !== "field" && left.kind !== "element") throw this.#error();
    this.#at++;
    return { kind: "assign", operator: text, target: left, value: this.#expression() };
  }

  #ternary(): Expression {
    const condition = this.#or();
    if (!this.#accept("?")) return condition;
    const yes = this.#expression();
    this.#expect(":");
    return { kind: "ternary", condition, yes, no: this.#expression() };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#accept("||")) left = { kind: "binary", operator: "||", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#membership();
    while (this.#accept("&&")) left = { kind: "binary", operator: "&&", left, right: this.#membership() };
    return left;
  }

  #membership(): Expression {
    let left = this.#match();
    while (!this.#noIn && this.#token.text === "in") {
      this.#at++;
      left = { kind: "in", subscripts: [left], name: this.#token.text };
      this.#at++;
    }
    return left;
  }

  #match(): Expression {
    let left = this.#comparison();
    while (this.#token.text === "~" || this.#token.text === "!~") {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#comparison() };
    }
    return left;
  }

  #comparison(): Expression {
    const left = this.#concatenation();
    const { text, kind } = this.#token;
    if (kind !== "operator" || !COMPARISONS.has(text) || (text === ">" && this.#noGreater)) return left;
    this.#at++;
    return { kind: "binary", operator: text, left, right: this.#concatenation() };
  }

  #concatenation(): Expression {
    let left = this.#sum();
    while (this.#startsOperand()) left = { kind: "binary", operator: " ", left, right: this.#sum() };
    return left;
  }

  #startsOperand(): boolean {
    const { kind, text } = this.#token;
    if (kind === "name") return text !== "in" && text !== "else";
    if (kind === "operator") return ["$", "!", "(", "-", "+", "++", "--"].includes(text);
    return kind === "number" || kind === "string" || kind === "call";
  }

  #sum(): Expression {
    let left = this.#product();
    while (this.#token.kind === "operator" && (this.#token.text === "+" || this.#token.text === "-")) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#product() };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    while (this.#token.kind === "operator" && ["*", "/", "%"].includes(this.#token.text)) {
      const operator = this.#token.text;
      this.#at++;
      left = { kind: "binary", operator, left, right: this.#unary() };
    }
    return left;
  }

  #unary(): Expression {
    const { kind, text } = this.#token;
    if (kind === "operator" && (text === "!" || text === "-" || text === "+")) {
      this.#at++;
      return { kind: "unary", operator: text, operand: this.#unary() };
    }
    const base = this.#postfix();
    if (!this.#accept("^")) return base;
    return { kind: "binary", operator: "^", left: base, right: this.#unary() };
  }

  #postfix(): Expression {
    for (const [text, by] of [
      ["++", 1],
      ["--", -1],
    ] as const) {
      if (this.#accept(text)) return { kind: "step", by, prefix: true, target: this.#primary() };
    }
    const target = this.#primary();
    if (target.kind !== "variable" && target.kind !== "field" && target.kind !== "element") return target;
    if (this.#accept("++")) return { kind: "step", by: 1, prefix: false, target };
    if (this.#accept("--")) return { kind: "step", by: -1, prefix: false, target };
    return target;
  }

  #primary(): Expression {
    const { kind, text } = this.#token;
    this.#at++;
    switch (kind) {
      case "number":
        return { kind: "number", value: Number(text) };
      case "string":
        return { kind: "string", value: text };
      case "regexp":
        return { kind: "regexp", expression: toRegExp(text) };
      case "call":
        this.#expect("(");
        return { kind: "call", name: text, args: this.#list(")") };
      case "name":
        if (this.#accept("[")) return { kind: "element", name: text, subscripts: this.#list("]") };
        return text === "length" ? { kind: "call", name: text, args: [] } : { kind: "variable", name: text };
      default:
        if (text === "$") return { kind: "field", index: this.#fieldIndex() };
        if (text === "(") return this.#group();
        this.#at--;
        throw this.#error();
    }
  }

  #fieldIndex(): Expression {
    if (this.#accept("++")) return { kind: "step", by: 1, prefix: true, target: this.#primary() };
    return this.#accept("-") ? { kind: "unary", operator: "-", operand: this.#primary() } : this.#primary();
  }

  #group(): Expression {
    const greater = this.#noGreater;
    this.#noGreater = false;
    const list = this.#list(")");
    this.#noGreater = greater;
    const [first] = list;
    if (!first) throw this.#error();
    if (list.length === 1) return first;
    if (this.#token.text !== "in") throw this.#error();
    this.#at++;
    const name = this.#token.text;
    this.#at++;
    return { kind: "in", subscripts: list, name };
  }

  #list(close: string): Expression[] {
    const list: Expression[] = [];
    if (this.#accept(close)) return list;
    do {
      this.#skipLines();
      list.push(this.#expression());
    } while (this.#accept(","));
    this.#expect(close);
    return list;
  }

  #accept(text: string): boolean {
    if (this.#token.kind !== "operator" || this.#token.text !== text) return false;
    this.#at++;
    if (["&&", "||", ",", "{"].includes(text)) this.#skipLines();
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.#error();
  }

  #atStatementEnd(): boolean {
    const { kind, text } = this.#token;
    return (
      kind === "end" ||
      kind === "newline" ||
      (kind === "operator" && (text === ";" || text === "}" || text === ">" || text === "|"))
    );
  }

  #endStatement(): void {
    const { kind, text } = this.#token;
    if (kind === "newline" || text === ";") this.#at++;
    else if (kind !== "end" && text !== "}") throw this.#error();
  }

  #skipLines(): void {
    while (this.#token.kind === "newline") this.#at++;
  }

  #skipEnds(): void {
    while (this.#token.kind === "newline" || (this.#token.kind === "operator" && this.#token.text === ";"))
      this.#at++;
  }

  #error(): AwkError {
    const { kind, text } = this.#token;
    return new AwkError(kind === "end" ? "Unexpected end of string" : `Unexpected token '${text.trim()}'`);
  }
}

function toRegExp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch {
    throw new AwkError(`bad regex '${source}'`);
  }
}

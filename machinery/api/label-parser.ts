import {
  type LabelOperator,
  type LabelRequirement,
  newRequirement,
  type Selector,
  SelectorError,
} from "./labels.js";

type Symbol_ = "," | "!" | "=" | "==" | "!=" | "(" | ")" | ">" | "<";
type Token = { kind: "end"; text: "" } | { kind: "word"; text: string } | { kind: "symbol"; text: Symbol_ };

const SPECIAL = "=!(),><";
const isSpace = (char: string): boolean => char === " " || char === "\t" || char === "\r" || char === "\n";

/** Parses `a=b,c in (d,e),!f` with the grammar and the messages of labels.Parse; throws SelectorError. */
export function parseSelector(text: string): Selector {
  return { requirements: new SelectorParser(scan(text)).requirements() };
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (isSpace(char)) at++;
    else if (SPECIAL.includes(char)) {
      const symbol = scanSymbol(text, at);
      tokens.push({ kind: "symbol", text: symbol });
      at += symbol.length;
    } else {
      const start = at;
      while (at < text.length && !isSpace(text[at] ?? "") && !SPECIAL.includes(text[at] ?? "")) at++;
      tokens.push({ kind: "word", text: text.slice(start, at) });
    }
  }
  return tokens;
}

function scanSymbol(text: string, at: number): Symbol_ {
  const two = text.slice(at, at + 2);
  return two === "==" || two === "!=" ? two : (text[at] as Symbol_);
}

const END: Token = { kind: "end", text: "" };
const BINARY = "in, notin, =, ==, !=, gt, lt";
const OPERATOR: Readonly<Record<string, LabelOperator>> = {
  in: "in",
  notin: "notin",
  "=": "=",
  "==": "==",
  "!=": "!=",
  ">": "gt",
  "<": "lt",
};

class SelectorParser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  requirements(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    for (;;) {
      const first = this.#peek();
      if (first.kind === "end") return found;
      if (first.kind !== "word" && first.text !== "!")
        throw new SelectorError(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      found.push(this.#requirement());
      const separator = this.#take();
      if (separator.kind === "end") return found;
      if (separator.text !== "," || separator.kind !== "symbol")
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.kind !== "word" && after.text !== "!")
        throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelRequirement {
    try {
      const negated = this.#peek().text === "!" && this.#peek().kind === "symbol";
      if (negated) this.#take();
      const key = this.#take();
      if (key.kind !== "word") throw new SelectorError(`found '${key.text}', expected: identifier`);
      if (negated) return newRequirement(key.text, "!", []);
      const following = this.#peek();
      if (following.kind === "end" || following.text === ",") return newRequirement(key.text, "exists", []);
      const operator = this.#operator();
      const values = operator === "in" || operator === "notin" ? this.#set() : [this.#exactValue()];
      return newRequirement(key.text, operator, values);
    } catch (err) {
      if (err instanceof SelectorError)
        throw new SelectorError(`unable to parse requirement: ${err.message}`);
      throw err;
    }
  }

  #operator(): LabelOperator {
    const token = this.#take();
    const operator = token.kind === "end" ? undefined : OPERATOR[token.text];
    if (!operator) throw new SelectorError(`found '${token.text}', expected: ${BINARY}`);
    return operator;
  }

  #exactValue(): string {
    const token = this.#peek();
    if (token.kind === "end" || token.text === ",") return "";
    this.#take();
    if (token.kind !== "word") throw new SelectorError(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  /** `(a,b)`; an empty place is the empty string. */
  #set(): string[] {
    const open = this.#take();
    if (open.text !== "(") throw new SelectorError(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    let place: string | undefined;
    for (;;) {
      const token = this.#take();
      if (token.kind === "word" && place === undefined) place = token.text;
      else if (token.text === "," || token.text === ")") {
        values.add(place ?? "");
        place = undefined;
        if (token.text === ")") return [...values].sort();
      } else throw new SelectorError(`found '${token.text}', expected: ',' or ')'`);
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? END;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }
}

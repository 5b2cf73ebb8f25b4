/** `message` as the shell prints it. */
export class ArithmeticError extends Error {
  override readonly name = "ArithmeticError";
}

export interface ArithmeticVariables {
  get(name: string): string;
  set(name: string, value: string): void;
}

const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\*\*|<<=|>>=|\+\+|--|&&|\|\||[-+*/%&|^<>=!]=|<<|>>|[-+*/%&|^<>=!~?:(),])/y;
const ASSIGNMENTS = new Set(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]);
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
  ["**"],
];

/** Evaluates the inside of `$(( ))`. Throws ArithmeticError. */
export function evaluateArithmetic(expression: string, variables: ArithmeticVariables): number {
  if (expression.trim() === "") return 0;
  return new Evaluator(tokenize(expression), variables).run();
}

function tokenize(expression: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  while (at < expression.trimEnd().length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(expression);
    if (match?.[1] === undefined) throw new ArithmeticError("arithmetic syntax error");
    tokens.push(match[1]);
    at = TOKEN.lastIndex;
  }
  return tokens;
}

class Evaluator {
  readonly #tokens: readonly string[];
  readonly #variables: ArithmeticVariables;
  #at = 0;
  /** Above zero while a branch that is not taken is read over. */
  #skipping = 0;

  constructor(tokens: readonly string[], variables: ArithmeticVariables) {
    this.#tokens = tokens;
    this.#variables = variables;
  }

  run(): number {
    let value = this.#assignment();
    while (this.#accept(",")) value = this.#assignment();
    if (this.#at < this.#tokens.length) throw new ArithmeticError("arithmetic syntax error");
    return value;
  }

  #assignment(): number {
    const name = this.#tokens[this.#at] ?? "";
    const operator = this.#tokens[this.#at + 1] ?? "";
    if (!/^[A-Za-z_]/.test(name) || !ASSIGNMENTS.has(operator)) return this.#ternary();
    this.#at += 2;
    const right = this.#assignment();
    return this.#store(
      name,
      operator === "=" ? right : this.#apply(operator.slice(0, -1), this.#load(name), right),
    );
  }

  #ternary(): number {
    const condition = this.#binary(0);
    if (!this.#accept("?")) return condition;
    const yes = this.#unless(condition === 0, () => this.#assignment());
    if (!this.#accept(":")) throw new ArithmeticError("arithmetic syntax error");
    const no = this.#unless(condition !== 0, () => this.#assignment());
    return condition === 0 ? no : yes;
  }

  #binary(level: number): number {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = this.#tokens[this.#at] ?? "";
      if (!operators.includes(operator)) return left;
      this.#at++;
      const decided = (operator === "||" && left !== 0) || (operator === "&&" && left === 0);
      const right = this.#unless(decided, () => this.#binary(operator === "**" ? level : level + 1));
      left = decided ? Number(left !== 0) : this.#apply(operator, left, right);
    }
  }

  #unary(): number {
    const operator = this.#tokens[this.#at] ?? "";
    switch (operator) {
      case "-":
        this.#at++;
        return -this.#unary();
      case "+":
        this.#at++;
        return this.#unary();
      case "!":
        this.#at++;
        return Number(this.#unary() === 0);
      case "~":
        this.#at++;
        return ~this.#unary();
      case "++":
      case "--": {
        this.#at++;
        const name = this.#name();
        return this.#store(name, this.#load(name) + (operator === "++" ? 1 : -1));
      }
      default:
        return this.#primary();
    }
  }

  #primary(): number {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new ArithmeticError("arithmetic syntax error");
    if (token === "(") {
      const value = this.#assignment();
      if (!this.#accept(")")) throw new ArithmeticError("arithmetic syntax error");
      return value;
    }
    if (/^\d/.test(token)) return toInteger(token);
    if (!/^[A-Za-z_]/.test(token)) throw new ArithmeticError("arithmetic syntax error");
    const value = this.#load(token);
    if (this.#accept("++")) this.#store(token, value + 1);
    else if (this.#accept("--")) this.#store(token, value - 1);
    return value;
  }

  #apply(operator: string, left: number, right: number): number {
    if ((operator === "/" || operator === "%") && right === 0) {
      if (this.#skipping > 0) return 0;
      throw new ArithmeticError("divide by zero");
    }
    switch (operator) {
      case "+":
        return left + right;
      case "-":
        return left - right;
      case "*":
        return left * right;
      case "/":
        return Math.trunc(left / right);
      case "%":
        return left % right;
      case "**":
        return left ** right;
      default:
        return applyBits(operator, left, right);
    }
  }

  #load(name: string): number {
    const text = this.#variables.get(name).trim();
    return text === "" ? 0 : toInteger(text);
  }

  #store(name: string, value: number): number {
    if (this.#skipping === 0) this.#variables.set(name, String(value));
    return value;
  }

  #unless(skip: boolean, evaluate: () => number): number {
    if (skip) this.#skipping++;
    const value = evaluate();
    if (skip) this.#skipping--;
    return value;
  }

  #name(): string {
    const token = this.#tokens[this.#at++] ?? "";
    if (!/^[A-Za-z_]/.test(token)) throw new ArithmeticError("arithmetic syntax error");
    return token;
  }

  #accept(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}

function applyBits(operator: string, left: number, right: number): number {
  switch (operator) {
    case "==":
      return Number(left === right);
    case "!=":
      return Number(left !== right);
    case "<":
      return Number(left < right);
    case ">":
      return Number(left > right);
    case "<=":
      return Number(left <= right);
    case ">=":
      return Number(left >= right);
    case "||":
      return Number(left !== 0 || right !== 0);
    case "&&":
      return Number(left !== 0 && right !== 0);
    case "<<":
      return left * 2 ** right;
    case ">>":
      return Math.floor(left / 2 ** right);
    case "&":
      return Number(BigInt.asIntN(64, BigInt(left) & BigInt(right)));
    case "|":
      return Number(BigInt.asIntN(64, BigInt(left) | BigInt(right)));
    default:
      return Number(BigInt.asIntN(64, BigInt(left) ^ BigInt(right)));
  }
}

function toInteger(text: string): number {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (!match?.[2]) throw new ArithmeticError("arithmetic syntax error");
  const digits = match[2];
  const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return match[1] === "-" ? -value : value;
}

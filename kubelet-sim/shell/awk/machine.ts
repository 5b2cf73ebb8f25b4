import { AwkError, type Expression, type Rule, type Statement } from "./ast.js";
import { callFunction } from "./functions.js";
import { AwkStore, compareValues, isTrue, toNumber, toText, type Value } from "./store.js";
import { formatPrintf } from "../text/printf-text.js";

class Jump extends Error {
  override readonly name = "Jump";
  readonly kind: "next" | "break" | "continue" | "exit";
  constructor(kind: "next" | "break" | "continue" | "exit") {
    super(kind);
    this.kind = kind;
  }
}

const MOST_LOOPS = 5_000_000;

/** Runs an awk program over records; what it prints is collected per record. */
export class AwkMachine {
  readonly store = new AwkStore();
  readonly #rules: readonly Rule[];
  readonly #inRange = new Set<Rule>();
  #output = "";
  #loops = 0;
  exited = false;
  exitStatus = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  get readsInput(): boolean {
    return this.#rules.some(({ pattern }) => pattern !== "BEGIN");
  }

  /** Output of the BEGIN or END rules. */
  runSpecial(kind: "BEGIN" | "END"): string {
    return this.#guarded(this.#rules.filter(({ pattern }) => pattern === kind));
  }

  /** Output for one record. */
  runRecord(text: string): string {
    this.store.nextRecord(text);
    return this.#guarded(this.#rules.filter(({ pattern }) => pattern !== "BEGIN" && pattern !== "END"));
  }

  #guarded(rules: readonly Rule[]): string {
    this.#output = "";
    try {
      for (const rule of rules) if (this.#selects(rule)) this.#act(rule);
    } catch (err) {
      if (!(err instanceof Jump)) throw err;
      if (err.kind === "exit") this.exited = true;
    }
    return this.#output;
  }

  #selects(rule: Rule): boolean {
    const { pattern, until } = rule;
    if (pattern === undefined || pattern === "BEGIN" || pattern === "END") return true;
    if (!until) return isTrue(this.#value(pattern));
    if (!this.#inRange.has(rule) && !isTrue(this.#value(pattern))) return false;
    if (isTrue(this.#value(until))) this.#inRange.delete(rule);
    else this.#inRange.add(rule);
    return true;
  }

  #act({ action }: Rule): void {
    if (action) this.#run(action);
    else this.#output += `${this.store.field(0)}${toText(this.store.get("ORS"))}`;
  }

  #run(statement: Statement): void {
    switch (statement.kind) {
      case "expression":
        this.#value(statement.expression);
        return;
      case "print":
        this.#print(statement.format, statement.args);
        return;
      case "block":
        for (const each of statement.body) this.#run(each);
        return;
      case "if":
        if (isTrue(this.#value(statement.condition))) this.#run(statement.yes);
        else if (statement.no) this.#run(statement.no);
        return;
      case "while":
        if (statement.bodyFirst && !this.#body(statement.body)) return;
        while (isTrue(this.#value(statement.condition))) if (!this.#body(statement.body)) return;
        return;
      case "for":
        if (statement.start) this.#run(statement.start);
        while (!statement.condition || isTrue(this.#value(statement.condition))) {
          if (!this.#body(statement.body)) return;
          if (statement.step) this.#run(statement.step);
        }
        return;
      case "for-in":
        for (const key of this.store.keys(statement.array)) {
          this.store.set(statement.variable, key);
          if (!this.#body(statement.body)) return;
        }
        return;
      case "delete":
        this.store.delete(statement.name, statement.subscripts && this.#subscript(statement.subscripts));
        return;
      case "exit":
        if (statement.status) this.exitStatus = toNumber(this.#value(statement.status)) & 0xff;
        throw new Jump("exit");
      default:
        throw new Jump(statement.kind);
    }
  }

  /** False when `break` ended the loop. */
  #body(body: Statement): boolean {
    if (++this.#loops > MOST_LOOPS) throw new AwkError("loop does not end");
    try {
      this.#run(body);
    } catch (err) {
      if (!(err instanceof Jump) || err.kind === "next" || err.kind === "exit") throw err;
      return err.kind === "continue";
    }
    return true;
  }

  #print(format: boolean, args: readonly Expression[]): void {
    const values = args.map((arg) => this.#value(arg));
    if (format) {
      const [first = "", ...rest] = values.map(toText);
      this.#output += formatPrintf(first, rest).text;
      return;
    }
    const separator = toText(this.store.get("OFS"));
    const text = values.length === 0 ? this.store.field(0) : values.map(toText).join(separator);
    this.#output += text + toText(this.store.get("ORS"));
  }

  #subscript(subscripts: readonly Expression[]): string {
    return subscripts.map((each) => toText(this.#value(each))).join("\x1c");
  }

  #value(expression: Expression): Value {
    switch (expression.kind) {
      case "number":
      case "string":
        return expression.value;
      case "regexp":
        return Number(expression.expression.test(this.store.field(0)));
      case "variable":
        return this.store.get(expression.name);
      case "field":
        return this.store.fieldValue(toNumber(this.#value(expression.index)));
      case "element":
        return this.store.element(expression.name, this.#subscript(expression.subscripts));
      case "in":
        return Number(this.store.has(expression.name, this.#subscript(expression.subscripts)));
      case "assign":
        return this.#assign(expression);
      case "step": {
        const before = toNumber(this.#value(expression.target));
        this.#store(expression.target, before + expression.by);
        return expression.prefix ? before + expression.by : before;
      }
      case "ternary":
        return isTrue(this.#value(expression.condition))
          ? this.#value(expression.yes)
          : this.#value(expression.no);
      case "unary":
        return this.#unary(expression.operator, this.#value(expression.operand));
      case "binary":
        return this.#binary(expression);
      case "call":
        return callFunction(expression.name, expression.args, {
          store: this.store,
          value: (each) => this.#value(each),
          assign: (target, value) => this.#store(target, value),
        });
    }
  }

  #unary(operator: string, value: Value): Value {
    if (operator === "!") return Number(!isTrue(value));
    return operator === "-" ? -toNumber(value) : toNumber(value);
  }

  #assign({ operator, target, value }: Extract<Expression, { kind: "assign" }>): Value {
    const right = this.#value(value);
    const result =
      operator === "="
        ? right
        : calculate(operator.slice(0, -1), toNumber(this.#value(target)), toNumber(right));
    this.#store(target, result);
    return result;
  }

  #store(target: Expression, value: Value): void {
    if (target.kind === "variable") this.store.set(target.name, value);
    else if (target.kind === "field") this.store.setField(toNumber(this.#value(target.index)), toText(value));
    else if (target.kind === "element")
      this.store.setElement(target.name, this.#subscript(target.subscripts), value);
  }

  #binary({ operator, left, right }: Extract<Expression, { kind: "binary" }>): Value {
    switch (operator) {
      case "&&":
        return Number(isTrue(this.#value(left)) && isTrue(this.#value(right)));
      case "||":
        return Number(isTrue(this.#value(left)) || isTrue(this.#value(right)));
      case "~":
      case "!~": {
        const expression =
          right.kind === "regexp" ? right.expression : new RegExp(toText(this.#value(right)));
        return Number(expression.test(toText(this.#value(left))) === (operator === "~"));
      }
      case " ":
        return toText(this.#value(left)) + toText(this.#value(right));
      case "<":
      case "<=":
      case "==":
      case "!=":
      case ">":
      case ">=":
        return Number(compareValues(operator, this.#value(left), this.#value(right)));
      default:
        return calculate(operator, toNumber(this.#value(left)), toNumber(this.#value(right)));
    }
  }
}

function calculate(operator: string, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "^":
      return left ** right;
    default:
      if (right === 0) throw new AwkError("Division by zero");
      return operator === "/" ? left / right : left % right;
  }
}
